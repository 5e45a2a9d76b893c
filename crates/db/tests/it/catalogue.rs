//! Row-level security, proved from what Postgres itself says about the migrated schema.
//!
//! Each rule is a function that lists what violates it. The schema has no violations, and a planted
//! one is found: a rule that finds nothing would be worth nothing. An exception that is not needed
//! any more is a violation too, so the lists only shrink.

use tokio_postgres::Client;

use crate::plain::{MEMBER, SYSTEM, database, run, texts};

/// Tables that belong to no organisation, and why. The member role has no right to any of them.
const WITHOUT_ORGANISATION: &[(&str, &str)] = &[
    (
        "access_tokens",
        "a person signs in before any organisation is chosen",
    ),
    ("chat_holders", "which processes hold chats"),
    (
        "installation_values",
        "keys of the installation, under the master key",
    ),
    ("leases", "which process does what"),
    ("logins", "a login is one device of one person"),
    ("one_time_tokens", "links that sign a person in"),
    ("refresh_tokens", "they belong to a login"),
    ("schema_migrations", "which migrations ran"),
    ("sequencer", "who seals, over all organisations"),
    ("users", "a person may be in several organisations"),
];

/// Unique keys of organisations' tables that don't carry `org_id`, and why nobody can probe them.
const UNIQUE_ACROSS: &[(&str, &str)] = &[
    (
        "api_keys_by_digest",
        "who sends a key has not said whose it is; its digest can't be guessed",
    ),
    (
        "device_codes_by_device",
        "no right of the member role; the device has no organisation yet",
    ),
    (
        "device_codes_by_user",
        "no right of the member role; the device has no organisation yet",
    ),
    (
        "device_codes_pkey",
        "no right of the member role; the device has no organisation yet",
    ),
    (
        "events_pkey",
        "the database gives the number, and the member role can't choose it",
    ),
    (
        "invitations_by_digest",
        "the invited person is in no organisation yet; the digest can't be guessed",
    ),
    (
        "node_jobs_id_key",
        "the member role can't insert: a node names a job by its id alone",
    ),
    (
        "nodes_credential_key",
        "a node that connects has not said whose it is; a digest can't be guessed",
    ),
    ("nodes_pkey", "a shared node has no organisation"),
    (
        "nodes_shared",
        "shared nodes alone, which the member role can't insert",
    ),
    (
        "seals_by_event",
        "the member role can't insert: an event is sealed once, by the sequencer",
    ),
];

/// Foreign keys between organisations' tables that don't carry `org_id`: the member role can't
/// write the referring table, so it can't ask whether a row of another organisation is there.
const REFERRING_ACROSS: &[(&str, &str)] = &[
    (
        "node_jobs_node_id_fkey",
        "a shared node has no organisation",
    ),
    (
        "workspace_nodes_node_id_fkey",
        "a shared node has no organisation",
    ),
];

/// Columns `org_id` that may be NULL.
const MAYBE_OF_NOBODY: &[(&str, &str)] = &[
    (
        "device_codes",
        "until a person has chosen one for the device",
    ),
    ("nodes", "a shared node serves every organisation"),
];

/// Policies beside "the row is the transaction's organisation's", word for word.
const OTHER_POLICIES: &[&str] = &["nodes: shared SELECT USING (org_id IS NULL) CHECK -"];

/// What a list of exceptions leaves over: violations that it doesn't name, and names that it
/// doesn't need.
fn beyond(found: Vec<String>, exceptions: &[(&str, &str)]) -> Vec<String> {
    let unneeded = exceptions
        .iter()
        .filter(|(name, _)| !found.iter().any(|it| it == name))
        .map(|(name, _)| format!("{name} needs no exception"));
    let unneeded: Vec<String> = unneeded.collect();
    let unnamed = found
        .into_iter()
        .filter(|it| !exceptions.iter().any(|(name, _)| it == name));
    unnamed.chain(unneeded).collect()
}

const ORG_TABLES: &str = "SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')";

async fn tables_without_organisation(client: &Client) -> Vec<String> {
    let sql = "SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id')";
    beyond(texts(client, sql).await, WITHOUT_ORGANISATION)
}

async fn tables_without_organisation_that_members_reach(client: &Client) -> Vec<String> {
    let sql = "SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id')
        AND (has_any_column_privilege('chancery_member', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
            OR has_table_privilege('chancery_member', c.oid, 'DELETE, TRUNCATE, TRIGGER'))";
    texts(client, sql).await
}

async fn tables_whose_rows_may_be_nobodys(client: &Client) -> Vec<String> {
    let sql = "SELECT c.relname::text FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attnotnull
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')";
    beyond(texts(client, sql).await, MAYBE_OF_NOBODY)
}

async fn unprotected_tables(client: &Client) -> Vec<String> {
    let sql = format!(
        "SELECT relname::text FROM ({ORG_TABLES}) t WHERE NOT (relrowsecurity AND relforcerowsecurity)"
    );
    texts(client, &sql).await
}

/// Rights without a policy are refused by Postgres anyway, but a table like that is a mistake.
async fn rights_without_a_policy(client: &Client) -> Vec<String> {
    let sql = format!(
        "SELECT t.relname || ' to ' || r.rolname FROM ({ORG_TABLES}) t CROSS JOIN pg_roles r
         WHERE r.rolname IN ('{MEMBER}', '{SYSTEM}')
         AND (has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE')
            OR has_table_privilege(r.oid, t.oid, 'DELETE'))
         AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polroles = ARRAY[r.oid])"
    );
    texts(client, &sql).await
}

async fn unexpected_policies(client: &Client) -> Vec<String> {
    let sql = "SELECT format('%s: %s %s USING %s CHECK %s', tablename, policyname, cmd,
            coalesce(qual, '-'), coalesce(with_check, '-')), array_to_string(roles, ','), permissive
        FROM pg_policies ORDER BY 1";
    let rows = client.query(sql, &[]).await.unwrap();
    assert!(!rows.is_empty(), "there are policies");
    let fits = |text: &str, roles: &str| match roles {
        MEMBER => {
            text.ends_with("ALL USING (org_id = chancery_org()) CHECK (org_id = chancery_org())")
                || OTHER_POLICIES.contains(&text)
        }
        SYSTEM => text.ends_with("ALL USING true CHECK true"),
        _ => false,
    };
    rows.iter()
        .map(|row| (row.get::<_, String>(0), row.get::<_, String>(1)))
        .filter(|(text, roles)| !fits(text, roles))
        .map(|(text, roles)| format!("{text} TO {roles}"))
        .collect()
}

/// A member that could change what has happened, or the system role.
async fn rights_to_rewrite_the_record(client: &Client) -> Vec<String> {
    let sql = format!(
        "SELECT r.rolname || ' on ' || t FROM pg_roles r, unnest(ARRAY['events', 'seals']) t
         WHERE r.rolname IN ('{MEMBER}', '{SYSTEM}') AND (
            has_any_column_privilege(r.oid, t, 'UPDATE')
            OR has_table_privilege(r.oid, t, 'DELETE, TRUNCATE'))
         UNION ALL
         SELECT r.rolname || ' on ' || c FROM pg_roles r, unnest(ARRAY['ord', 'xid']) c
         WHERE r.rolname IN ('{MEMBER}', '{SYSTEM}') AND has_column_privilege(r.oid, 'events', c, 'INSERT')"
    );
    texts(client, &sql).await
}

async fn unique_keys_across_organisations(client: &Client) -> Vec<String> {
    let sql = format!(
        "SELECT i.indexrelid::regclass::text FROM ({ORG_TABLES}) t JOIN pg_index i ON i.indrelid = t.oid
         WHERE i.indisunique AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid
            AND a.attname = 'org_id' AND a.attnum = i.indkey[0])"
    );
    beyond(texts(client, &sql).await, UNIQUE_ACROSS)
}

/// A foreign key between two tables of organisations holds `org_id` on both sides, at one place.
async fn foreign_keys_across_organisations(client: &Client) -> Vec<String> {
    let sql = format!(
        "SELECT k.conname::text FROM pg_constraint k
         JOIN ({ORG_TABLES}) child ON child.oid = k.conrelid
         JOIN ({ORG_TABLES}) parent ON parent.oid = k.confrelid
         WHERE k.contype = 'f' AND NOT EXISTS (
            SELECT FROM unnest(k.conkey, k.confkey) AS pair (mine, theirs)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.mine
            JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.theirs
            WHERE a.attname = 'org_id' AND b.attname = 'org_id')"
    );
    beyond(texts(client, &sql).await, REFERRING_ACROSS)
}

/// The reason that [`REFERRING_ACROSS`] and some of [`UNIQUE_ACROSS`] rest on.
async fn writable_though_excepted(client: &Client) -> Vec<String> {
    let sql = format!(
        "SELECT t || ' by ' || '{MEMBER}'
         FROM unnest(ARRAY['node_jobs', 'workspace_nodes', 'seals', 'device_codes']) t
         WHERE has_any_column_privilege('{MEMBER}', t, 'INSERT, UPDATE')"
    );
    texts(client, &sql).await
}

async fn powers_of_the_roles(client: &Client) -> Vec<String> {
    let ours = format!("rolname IN ('{MEMBER}', '{SYSTEM}')");
    let attributes = format!(
        "SELECT rolname || ' has an attribute' FROM pg_roles WHERE {ours} AND (rolsuper OR rolbypassrls
            OR rolcreaterole OR rolcreatedb OR rolcanlogin OR rolreplication)
         UNION ALL SELECT r.rolname || ' is in ' || m.roleid::regrole FROM pg_auth_members m
            JOIN pg_roles r ON r.oid = m.member WHERE {ours}
         UNION ALL SELECT r.rolname || ' owns something' FROM pg_shdepend d JOIN pg_roles r
            ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
            WHERE {ours} AND d.deptype = 'o'
            AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
         UNION ALL SELECT rolname || ' may create in the database' FROM pg_roles
            WHERE {ours} AND has_database_privilege(oid, current_database(), 'CREATE')
         UNION ALL SELECT rolname || ' may create in ' || n.nspname FROM pg_roles r, pg_namespace n
            WHERE {ours} AND has_schema_privilege(r.oid, n.oid, 'CREATE')"
    );
    texts(client, &attributes).await
}

/// What would be a way around the policies: rights of everybody, functions with the owner's rights,
/// and views, which read with their owner's eyes.
async fn ways_around(client: &Client) -> Vec<String> {
    let sql = "SELECT c.relname || ' is open to everybody' FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0
        UNION ALL SELECT c.relname || ' can be passed on' FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.relnamespace = 'public'::regnamespace AND a.is_grantable
            AND a.grantee <> c.relowner
        UNION ALL SELECT p.proname || ' runs as its owner' FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
        UNION ALL SELECT c.relname || ' is a view' FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm', 'f')";
    texts(client, sql).await
}

async fn violations(client: &Client) -> Vec<String> {
    let mut all = tables_without_organisation(client).await;
    all.extend(tables_without_organisation_that_members_reach(client).await);
    all.extend(tables_whose_rows_may_be_nobodys(client).await);
    all.extend(unprotected_tables(client).await);
    all.extend(rights_without_a_policy(client).await);
    all.extend(unexpected_policies(client).await);
    all.extend(rights_to_rewrite_the_record(client).await);
    all.extend(unique_keys_across_organisations(client).await);
    all.extend(foreign_keys_across_organisations(client).await);
    all.extend(writable_though_excepted(client).await);
    all.extend(powers_of_the_roles(client).await);
    all.extend(ways_around(client).await);
    all
}

#[tokio::test]
async fn the_catalogue_keeps_organisations_apart() {
    let (_db, client) = database().await;
    let tables = texts(
        &client,
        &format!("SELECT relname::text FROM ({ORG_TABLES}) t"),
    )
    .await;
    assert!(tables.len() >= 30, "{tables:?}");
    assert_eq!(violations(&client).await, Vec::<String>::new());
}

/// Every guard, broken on purpose.
#[tokio::test]
async fn every_planted_violation_is_found() {
    let planted = [
        ("CREATE TABLE planted (x bigint)", "planted"),
        ("GRANT SELECT ON users TO chancery_member", "users"),
        (
            "ALTER TABLE runs DROP CONSTRAINT runs_pkey CASCADE; ALTER TABLE runs ALTER org_id DROP NOT NULL",
            "runs",
        ),
        ("ALTER TABLE runs DISABLE ROW LEVEL SECURITY", "runs"),
        ("ALTER TABLE runs NO FORCE ROW LEVEL SECURITY", "runs"),
        ("CREATE TABLE planted (org_id uuid NOT NULL)", "planted"),
        (
            "DROP POLICY organisation ON runs",
            "runs to chancery_member",
        ),
        (
            "CREATE POLICY planted ON runs TO chancery_member USING (true)",
            "runs: planted ALL USING true CHECK - TO chancery_member",
        ),
        (
            "CREATE POLICY planted ON runs USING (org_id = chancery_org())",
            "runs: planted ALL USING (org_id = chancery_org()) CHECK - TO public",
        ),
        (
            "GRANT UPDATE (data) ON events TO chancery_member",
            "chancery_member on events",
        ),
        (
            "GRANT TRUNCATE ON seals TO chancery_system",
            "chancery_system on seals",
        ),
        (
            "GRANT INSERT ON events TO chancery_member",
            "chancery_member on ord",
        ),
        ("CREATE UNIQUE INDEX planted ON runs (id)", "planted"),
        (
            "ALTER TABLE run_signals ADD CONSTRAINT planted FOREIGN KEY (org_id, run_id) REFERENCES runs (org_id, id); \
          CREATE UNIQUE INDEX one ON runs (id); ALTER TABLE run_signals ADD CONSTRAINT alone FOREIGN KEY (run_id) REFERENCES runs (id)",
            "alone",
        ),
        (
            "GRANT INSERT ON node_jobs TO chancery_member",
            "node_jobs by chancery_member",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO chancery_member",
            "chancery_member may create in public",
        ),
        (
            "CREATE SCHEMA planted AUTHORIZATION chancery_system",
            "chancery_system owns something",
        ),
        (
            "GRANT SELECT ON runs TO public",
            "runs is open to everybody",
        ),
        (
            "CREATE FUNCTION planted() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'",
            "planted runs as its owner",
        ),
        (
            "CREATE VIEW planted AS SELECT * FROM runs",
            "planted is a view",
        ),
    ];
    let (_db, client) = database().await;
    for (sql, expected) in planted {
        run(&client, &format!("BEGIN; {sql}")).await;
        let found = violations(&client).await;
        run(&client, "ROLLBACK").await;
        assert!(found.iter().any(|it| it == expected), "{sql}: {found:?}");
    }
    assert_eq!(violations(&client).await, Vec::<String>::new());
}
