use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use vault::{MasterKeyError, MasterKeySource, MasterKeys};
use vocab::{ExposeSecret as _, Random};

use crate::kit::key_text;

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_file_is_made_once_private_and_grows_by_rotation() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    let random = Random::system();
    let source = MasterKeySource::File(path.clone());
    assert!(matches!(
        MasterKeys::load(&source).await,
        Err(MasterKeyError::File { .. })
    ));
    let first = MasterKeys::load_or_create(&path, &random).unwrap().ids();
    assert_eq!((first.len(), mode(&path)), (1, 0o600));
    assert_eq!(
        MasterKeys::load_or_create(&path, &random).unwrap().ids(),
        first
    );
    let both = MasterKeys::add_to_file(&path, &random).unwrap().ids();
    assert_eq!((both.len(), &both[0], mode(&path)), (2, &first[0], 0o600));
    assert_eq!(MasterKeys::load(&source).await.unwrap().ids(), both);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing temporary is left"
    );
    // Open to others: refused. To the group for reading: that is how orchestrators mount it.
    for (mode, good) in [
        (0o644, false),
        (0o660, false),
        (0o601, false),
        (0o440, true),
        (0o400, true),
    ] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = MasterKeys::load(&source).await;
        assert_eq!(loaded.is_ok(), good, "{mode:o}");
        if let Err(error) = loaded {
            assert!(matches!(error, MasterKeyError::Exposed { .. }));
        }
    }
}

#[tokio::test]
async fn the_text_form_has_comments_commas_and_no_mercy() {
    let (one, two) = (key_text(1), key_text(2));
    let (one, two) = (one.expose_secret(), two.expose_secret());
    let ids = |text: String| MasterKeys::parse(&text.into()).map(|keys| keys.ids());
    let both = ids(format!("{one}\n{two}\n")).unwrap();
    assert_eq!(both.len(), 2);
    assert_ne!(both[0], both[1]);
    for text in [
        format!("# first\n\n  {one}\r\n# second\n{two}"),
        format!("{one},{two}"),
        format!("{one} {two}\t"),
    ] {
        assert_eq!(ids(text).unwrap(), both);
    }
    for text in ["", "\n", "# only a comment"] {
        assert!(matches!(ids(text.to_owned()), Err(MasterKeyError::Empty)));
    }
    for text in ["c2hvcnQ=", "not base64!", &one[1..], &format!("{one}{two}")] {
        let error = ids(text.to_owned()).unwrap_err();
        assert!(matches!(error, MasterKeyError::Malformed(1)), "{error}");
        assert!(!format!("{error} {error:?}").contains(text));
    }
}

#[tokio::test]
async fn a_command_prints_the_keys_or_fails_with_its_name_alone() {
    let shell = |script: String| MasterKeySource::Command {
        program: "sh".to_owned(),
        args: vec!["-c".to_owned(), script],
    };
    let key = key_text(1);
    let key = key.expose_secret();
    let keys = MasterKeys::load(&shell(format!("echo {key}")))
        .await
        .unwrap();
    assert_eq!(keys.ids(), MasterKeys::parse(&key.into()).unwrap().ids());
    let failed = MasterKeys::load(&shell(format!("echo {key}; echo {key} >&2; exit 3"))).await;
    let error = failed.unwrap_err();
    assert!(
        error.to_string().contains("`sh`") && !format!("{error:?}").contains(key),
        "{error:?}"
    );
    assert!(
        MasterKeys::load(&shell("echo nothing".to_owned()))
            .await
            .is_err()
    );
    let missing = MasterKeySource::Command {
        program: "/no/such/program".to_owned(),
        args: vec![],
    };
    assert!(matches!(
        MasterKeys::load(&missing).await,
        Err(MasterKeyError::Command { .. })
    ));
    let unset = MasterKeySource::Environment("CHANCERY_TEST_NO_SUCH_VARIABLE".to_owned());
    assert!(matches!(
        MasterKeys::load(&unset).await,
        Err(MasterKeyError::Unset(_))
    ));
}
