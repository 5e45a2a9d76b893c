use std::path::Path;

use vault::MasterKeySource;
use vocab::ExposeSecret as _;

use super::*;

struct World {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    overrides: Overrides,
}

fn world(file: Option<&str>, variables: &[(&str, &str)]) -> World {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = file {
        std::fs::write(folder.path().join(FILE), text).unwrap();
    }
    let variables = variables
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect();
    World {
        folder,
        variables,
        overrides: Overrides::default(),
    }
}

impl World {
    fn load(&self) -> Result<Effective, ConfigError> {
        load_from(&self.overrides, self.variables.clone(), self.folder.path())
    }

    fn error(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn source(effective: &Effective, key: &str) -> String {
    effective
        .settings
        .iter()
        .find(|it| it.key == key)
        .unwrap()
        .source
        .clone()
}

#[test]
fn nothing_said_is_the_embedded_default() {
    let effective = world(None, &[("HOME", "/x")]).load().unwrap();
    let config = &effective.config;
    assert_eq!(config.data_dir, Path::new("./chancery-data"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:7300");
    assert_eq!(config.roles.len(), 4);
    assert!(config.demo && config.node.local && !config.https());
    assert_eq!(config.url(), "http://127.0.0.1:7300");
    let master = MasterKeySource::File("./chancery-data/master.key".into());
    assert_eq!(config.master_key, master);
    assert!(
        matches!(config.database(), db::DatabaseConfig::Sqlite { path } if path.ends_with("chancery.db"))
    );
    assert!(
        effective
            .settings
            .iter()
            .all(|it| it.source == "the default"),
        "{effective:?}"
    );
}

#[test]
fn later_places_win_and_each_value_knows_its_place() {
    let file = "listen = '127.0.0.1:1'\ndemo = false\npublic_url = 'https://a.example/'\n\
                [worker]\nconcurrency = 3\n[log]\nlevel = 'debug'\n";
    let mut world = world(
        Some(file),
        &[
            ("CHANCERY_LISTEN", "127.0.0.1:2"),
            ("CHANCERY_WORKER__CONCURRENCY", "4"),
            ("CHANCERY_LOG_LEVEL", ""),
        ],
    );
    world.overrides.listen = Some("127.0.0.1:3".into());
    let effective = world.load().unwrap();
    assert_eq!(effective.config.listen.port(), 3);
    assert_eq!(effective.config.worker.concurrency, 4);
    assert_eq!(effective.config.log.level, "debug");
    assert!(!effective.config.demo);
    assert!(effective.config.https());
    assert_eq!(effective.config.url(), "https://a.example");
    assert_eq!(source(&effective, "listen"), "the flag `--listen`");
    assert_eq!(
        source(&effective, "worker.concurrency"),
        "the variable `CHANCERY_WORKER__CONCURRENCY`"
    );
    assert!(source(&effective, "log.level").starts_with("the file `"));
    assert_eq!(source(&effective, "owner.email"), "the default");
}

#[test]
fn both_spellings_of_a_variable_work_and_texts_stay_texts() {
    for name in ["CHANCERY_DATABASE_URL", "CHANCERY_DATABASE__URL"] {
        let world = world(
            None,
            &[
                (name, "postgres://u:s3cret@db/x?sslmode=require"),
                ("CHANCERY_OWNER_PASSWORD", "12345678"),
            ],
        );
        let effective = world.load().unwrap();
        assert!(matches!(
            effective.config.database(),
            db::DatabaseConfig::Postgres { .. }
        ));
        assert_eq!(
            effective
                .config
                .owner
                .password
                .as_ref()
                .unwrap()
                .expose_secret(),
            "12345678"
        );
        let shown = serde_json::to_string(&effective.settings).unwrap();
        assert!(
            !shown.contains("s3cret") && !shown.contains("12345678"),
            "{shown}"
        );
        assert!(shown.contains("postgres://u:********@db/x?…"), "{shown}");
        assert!(!format!("{effective:?}").contains("s3cret"));
    }
    let both = world(
        None,
        &[
            ("CHANCERY_DATABASE_URL", "sqlite:a"),
            ("CHANCERY_DATABASE__URL", "sqlite:b"),
        ],
    );
    assert!(both.error().contains("two variables"), "{}", both.error());
}

#[test]
fn lists_are_lists_or_texts_with_commas() {
    let by_file = world(
        Some("roles = ['api', 'worker', 'gateway']\n[master_key]\ncommand = ['a', 'b c']"),
        &[],
    );
    let by_variable = world(
        None,
        &[
            ("CHANCERY_ROLES", "worker, gateway, api"),
            ("CHANCERY_MASTER_KEY_COMMAND", "a b"),
        ],
    );
    let (one, other) = (
        by_file.load().unwrap().config,
        by_variable.load().unwrap().config,
    );
    assert_eq!(one.roles, other.roles);
    assert!(one.has(ProcessRole::Api) && !one.has(ProcessRole::Sweeper));
    let command = |args: &[&str]| MasterKeySource::Command {
        program: "a".into(),
        args: args.iter().map(|it| (*it).to_owned()).collect(),
    };
    assert_eq!(one.master_key, command(&["b c"]));
    assert_eq!(other.master_key, command(&["b"]));
}

#[test]
fn what_nobody_reads_is_an_error_that_names_what_was_meant() {
    let error = world(Some("lisen = '127.0.0.1:1'"), &[]).error();
    assert!(
        error.contains("sets `lisen`") && error.contains("did you mean `listen`?"),
        "{error}"
    );
    let error = world(Some("[database]\nurll = 'x'"), &[]).error();
    assert!(
        error.contains("`database.urll`") && error.contains("`database.url`?"),
        "{error}"
    );
    let error = world(None, &[("CHANCERY_DATABSE_URL", "x")]).error();
    assert!(
        error.contains("did you mean `CHANCERY_DATABASE_URL`?"),
        "{error}"
    );
    let error = world(Some("colour = 1"), &[]).error();
    assert!(!error.contains("did you mean"), "{error}");
}

#[test]
fn variables_of_others_are_left_alone() {
    let names = [
        "CHANCERY_URL",
        "CHANCERY_API_KEY",
        "CHANCERY_ORG",
        "CHANCERY_SERVICE_HOST",
        "CHANCERY_PORT_7300_TCP_ADDR",
        "CHANCERY_NODE_DATA_DIR",
        "CHANCERY_MASTER_KEY",
        "CHANCERY_TEST_POSTGRES",
    ];
    let variables: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
    world(None, &variables).load().unwrap();
}

#[test]
fn a_wrong_value_is_named_with_its_place_and_never_quoted() {
    for (file, says) in [
        ("listen = 'localhost'", "`listen` (from the file"),
        ("listen = 7300", "`listen` (from the file"),
        ("data_dir = '~/x'", "`~` is not expanded"),
        ("public_url = 'https://a/b'", "no path"),
        ("public_url = 'ftp://a'", "no path"),
        ("database = 'x'", "`database` (from the file"),
        ("[listen]\nport = 1", "expected a value"),
        ("[database]\nurl = 'mysql://u:s3cret@h'", "`database.url`"),
        ("[database]\nconnections_max = 0", "1 to 1000"),
        ("roles = ['apy']", "expected `api`"),
        ("roles = []", "at least one"),
        (
            "roles = ['api', 'worker']",
            "`worker` and `gateway` together",
        ),
        ("roles = ['gateway']", "`worker` and `gateway` together"),
        ("secure_cookies = 'maybe'", "expected `auto`"),
        ("[log]\nformat = 'xml'", "expected `text` or `json`"),
        ("[worker]\nconcurrency = 'many'", "`worker.concurrency`"),
        ("[chat]\ncontext_percent = 91", "`chat.context_percent`"),
        ("[chat]\ncontext_percent = 0", "`chat.context_percent`"),
        ("[owner]\nemail = 'nobody'", "email address"),
        ("[owner]\npassword = 5\n", "`owner.password`"),
        ("[master_key]\nfile = 'a'\nenvironment = 'B'", "not several"),
        ("[owner]\npassword = \"s3cret\nx = 1", "line 2"),
    ] {
        let error = world(Some(file), &[]).error();
        assert!(error.contains(says), "{file}: {error}");
        assert!(!error.contains("s3cret"), "{file}: {error}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let mut world = world(None, &[]);
    world.overrides.config = Some("other.toml".into());
    assert!(world.error().contains("other.toml"));
    std::fs::write(world.folder.path().join("other.toml"), "proxies = 2").unwrap();
    assert_eq!(world.load().unwrap().config.proxies, 2);
}
