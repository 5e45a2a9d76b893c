//! Every limit, in one place: validation, the published document and the tests read them here.

use std::time::Duration;

/// The largest JSON body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How deeply JSON may be nested, in levels.
pub const JSON_DEPTH_MAX: usize = 64;
/// The largest single event of a model provider's stream, in bytes.
pub const STREAM_FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The largest URL that a request may have, in bytes.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// How long a request may take before it is answered with a time-out.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How many items a page holds unless asked otherwise.
pub const PAGE_DEFAULT: u32 = 50;
/// How many items a page holds at most.
pub const PAGE_MAX: u32 = 200;

/// The longest name of anything, in characters.
pub const NAME_CHARS_MAX: usize = 128;
/// The longest description or comment, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// The longest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// How many people and agents one message can mention; further names are only text.
pub const MENTIONS_MAX: usize = 16;
/// How many turns the agents of a session give each other before a person has to speak again.
pub const AGENT_TURNS_MAX: u32 = 8;
/// How often a session can be forked by editing and regenerating.
pub const SESSION_FORKS_MAX: u32 = 1_000;
/// How many places an answer cites at most; further ones are left out.
pub const CITATIONS_MAX: usize = 32;
/// The longest address that is cited, in bytes; a longer one is left out.
pub const CITATION_URL_BYTES_MAX: usize = 2 * 1024;
/// The longest title of a place that is cited, in bytes; of a longer one this is the beginning.
pub const CITATION_TITLE_BYTES_MAX: usize = 256;
/// The longest emoji of a reaction, in characters: a family of four with the colours of their skin.
pub const EMOJI_CHARS_MAX: usize = 16;
/// How many different emoji one message has at most.
pub const REACTIONS_MAX: u32 = 32;
/// The longest word that a message is found by, in characters; of a longer one these are the first.
pub const WORD_CHARS_MAX: usize = 64;
/// How many different words of one message it is found by.
pub const WORDS_MAX: usize = 2_000;
/// The longest question of a search, in characters.
pub const SEARCH_CHARS_MAX: usize = 256;
/// How many words a search asks for at most.
pub const SEARCH_WORDS_MAX: usize = 16;
/// How many sessions one search looks through: those that were active last.
pub const SEARCH_SESSIONS_MAX: u32 = 5_000;
/// How many labels a session or an agent has at most.
pub const LABELS_MAX: usize = 32;

/// The shortest password, in characters (NIST SP 800-63B).
pub const PASSWORD_CHARS_MIN: usize = 10;
/// The longest password, in characters; hashing is not free.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// How long an access token lives.
pub const ACCESS_TOKEN_TTL: Duration = Duration::from_secs(15 * 60);
/// How long a refresh token lives if it is not used.
pub const REFRESH_TOKEN_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an invitation can be accepted.
pub const INVITATION_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a device code can be approved (RFC 8628).
pub const DEVICE_CODE_TTL: Duration = Duration::from_secs(15 * 60);
/// How often a device may ask whether its code was approved.
pub const DEVICE_POLL_INTERVAL: Duration = Duration::from_secs(5);
/// How long a password reset can be used.
pub const PASSWORD_RESET_TTL: Duration = Duration::from_secs(3600);
/// The shortest time that an idempotency key is remembered.
pub const IDEMPOTENCY_TTL: Duration = Duration::from_secs(48 * 3600);
/// The longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// The largest content that stays in the database, in bytes; larger ones go to the blob store.
pub const CONTENT_INLINE_BYTES_MAX: usize = 64 * 1024;
/// The largest single content, in bytes.
pub const CONTENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest secret value, in bytes.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;
/// The largest text of one policy, in bytes.
pub const POLICY_BYTES_MAX: usize = 256 * 1024;
/// How many policies an organisation has at most.
pub const POLICIES_MAX: usize = 500;

/// The largest question to a model, as JSON, in bytes.
pub const MODEL_QUESTION_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many bytes of a session's earlier messages a turn begins with at most.
pub const CONTEXT_BYTES_MAX: usize = 256 * 1024;
/// How many of a session's earlier messages a turn begins with at most.
pub const CONTEXT_MESSAGES_MAX: u32 = 200;
/// Most bytes of a rolling summary.
pub const SUMMARY_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of one message that whoever summarises is shown.
pub const SUMMARISED_MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// How much of a tool's result a model is shown, in bytes.
pub const TOOL_RESULT_SHOWN_BYTES_MAX: usize = 32 * 1024;
/// The largest arguments of a tool, as canonical JSON, in bytes.
pub const ARGUMENTS_BYTES_MAX: usize = 1024 * 1024;
/// The largest output of a tool that a run keeps, in bytes; the rest is cut and said to be cut.
pub const TOOL_OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// How long one tool call may take unless it asks for less.
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a call of a tool counts as under way after its process was last heard of.
pub const TOOL_CALL_LEASE: Duration = Duration::from_secs(10);
/// How often a call that is under way is heard of.
pub const TOOL_CALL_RENEW: Duration = Duration::from_secs(3);
/// How many bytes a request may receive where bytes are limited: the largest output, and what comes
/// around it.
pub const EGRESS_RECEIVED_BYTES_PER_CALL: u64 = 1024 * 1024 + 256 * 1024;
/// How many bytes a request may send beyond its arguments where bytes are limited: handshakes, heads,
/// and the headers of a configured tool.
pub const EGRESS_OVERHEAD_BYTES_PER_CALL: u64 = 64 * 1024;
/// How many bytes the day must have left to receive for a request to be begun: a handshake and the
/// longest head, so that it is heard what became of it.
pub const EGRESS_RECEIVED_BYTES_LEAST: u64 = 64 * 1024;
/// How many hosts a day are told apart at most where they are limited.
pub const EGRESS_HOSTS_PER_DAY_MAX: u64 = 1_000;
/// How many hosts a list of a limit names at most.
pub const EGRESS_HOST_PATTERNS_MAX: usize = 1_000;
/// The longest name of a host.
pub const HOST_BYTES_MAX: usize = 253;
/// How old the limits may be that a call is held against.
pub const TOOL_LIMITS_FRESH_FOR: Duration = Duration::from_secs(1);

/// The most steps that a message to the rule-based planner may have.
pub const PLAN_STEPS_MAX: usize = 100;
/// The most entries of one run's journal.
pub const RUN_ENTRIES_MAX: u32 = 10_000;
/// How long a replay asks models anew.
pub const REPLAY_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a request for a replay waits for its report.
pub const REPLAY_WAIT: Duration = Duration::from_secs(20);
/// How deep runs may start runs.
pub const RUN_DEPTH_MAX: u32 = 8;
/// How long a worker holds a run before another may take it.
pub const RUN_LEASE: Duration = Duration::from_secs(10);
/// How many runs of one organisation are worked on at once unless a plan says otherwise.
pub const RUNS_CONCURRENT_PER_ORG: usize = 64;
/// The longest that a timer may wait.
pub const TIMER_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// How long a capability token can be used.
pub const CAPABILITY_TTL: Duration = Duration::from_secs(5 * 60);
/// How long an approval waits before it expires as a denial.
pub const APPROVAL_TTL: Duration = Duration::from_secs(24 * 3600);

/// How often an event stream says that it is alive.
pub const SSE_HEARTBEAT: Duration = Duration::from_secs(15);
/// How many sealed events wait for a slow reader before it is disconnected.
pub const SSE_BACKLOG_MAX: usize = 1_024;
/// How many events one sealing takes at most.
pub const SEAL_BATCH_MAX: usize = 5_000;

/// How long a node holds its lease without a heartbeat.
pub const NODE_LEASE: Duration = Duration::from_secs(15);
/// How often a node says that it is alive.
pub const NODE_HEARTBEAT: Duration = Duration::from_secs(5);

/// How long a run's token works unless asked otherwise; it ends with its run.
pub const RUN_TOKEN_TTL: Duration = Duration::from_secs(15 * 60);
/// The longest that a run's token can work.
pub const RUN_TOKEN_TTL_MAX: Duration = Duration::from_secs(3600);
/// The largest request to a model, in bytes: as much as the vendors take.
pub const MODEL_REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a connection to a model provider may take.
pub const MODEL_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a model may take until its answer begins; a whole answer begins when it is complete.
pub const MODEL_FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a model may fall silent in the middle of a stream.
pub const MODEL_BETWEEN_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a model may take in all.
pub const MODEL_WHOLE_TIMEOUT: Duration = Duration::from_secs(1_800);

/// The most bytes of messages that one archive of a session holds, before they are compressed.
pub const ARCHIVE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// How many rules of retention an organisation has at most.
pub const RETENTION_RULES_MAX: usize = 100;
/// The longest that a rule of retention, or a threshold of a session's life, may wait, in days.
pub const RETENTION_DAYS_MAX: u32 = 36_500;

/// The largest file that a person puts into a session, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How many artifacts go with one message.
pub const ATTACHMENTS_MAX: usize = 16;
/// How much of the text files that go with a message a model is shown, in bytes, of all together.
pub const ATTACHED_TEXT_BYTES_MAX: usize = 128 * 1024;
/// The largest picture that a model is shown, in bytes.
pub const ATTACHED_IMAGE_BYTES_MAX: u64 = 3_750_000;
/// How many of the pictures that go with a message a model is shown.
pub const ATTACHED_IMAGES_MAX: usize = 8;
