use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::identity::{Same, certified};
use super::*;

/// Whether these two ends come to speak to each other.
async fn speak(client: &Identity, server: &Identity) -> bool {
    let (near, far) = duplex(64 * 1024);
    let acceptor = acceptor(server);
    let answering = tokio::spawn(async move {
        let mut far = acceptor.accept(far).await?;
        let mut asked = [0; 5];
        far.read_exact(&mut asked).await?;
        far.write_all(&asked).await?;
        far.shutdown().await
    });
    let asking = async {
        let connector = TlsConnector::from(Arc::clone(&client.client));
        let name = ServerName::try_from("chancery.internal").unwrap();
        let mut near = connector.connect(name, near).await?;
        near.write_all(b"hello").await?;
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let answer = asking.await;
    let answered = answering.await.unwrap();
    answered.is_ok() && answer.is_ok_and(|answer| answer == b"hello")
}

#[tokio::test]
async fn only_processes_of_the_same_installation_speak_to_each_other() {
    let ours = Identity::new(&[7; 32]).unwrap();
    let also_ours = Identity::new(&[7; 32]).unwrap();
    let theirs = Identity::new(&[8; 32]).unwrap();
    assert!(speak(&ours, &also_ours).await);
    assert!(!speak(&ours, &theirs).await);
    assert!(!speak(&theirs, &ours).await);
}

/// Who shows the public key, which is no secret, still has to prove that it has the private one; and
/// who shows nothing is nobody.
#[tokio::test]
async fn a_key_has_to_be_shown_and_proved() {
    let ours = Identity::new(&[7; 32]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let (real, false_one) = (certified(&[7; 32]).unwrap(), certified(&[8; 32]).unwrap());
    let same = Arc::new(Same::as_shown_by(&real, &provider));
    let with = |client| Identity {
        client: Arc::new(client),
        server: Arc::clone(&ours.server),
    };
    let owner = Arc::new(CertifiedKey::new(real.cert.clone(), Arc::clone(&real.key)));
    assert!(
        speak(
            &with(identity::client(&provider, &same, &owner).unwrap()),
            &ours
        )
        .await
    );
    let thief = Arc::new(CertifiedKey::new(real.cert, false_one.key));
    assert!(
        !speak(
            &with(identity::client(&provider, &same, &thief).unwrap()),
            &ours
        )
        .await
    );
    let nobody = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(same)
        .with_no_client_auth();
    assert!(!speak(&with(nobody), &ours).await);
}

#[tokio::test]
async fn changes_survive_the_wire() {
    use chat::live::Change;
    use vocab::{Clock, Id, Random};

    let (clock, random) = (Clock::system(), Random::system());
    let said = [
        Change::Anew,
        Change::Text {
            run_id: Id::generate(&clock, &random),
            agent_id: Id::generate(&clock, &random),
            text: "two\nlines, and \u{1f600}".into(),
            reset: false,
        },
        Change::Typing {
            user_id: Id::generate(&clock, &random),
        },
    ];
    let (from, into) = mpsc::channel(8);
    let (out, mut heard) = mpsc::channel(8);
    for change in &said {
        from.send(change.clone()).await.unwrap();
    }
    drop(from);
    lines::pump(lines::body(into), out).await;
    for change in said {
        assert_eq!(heard.recv().await, Some(change));
    }
    assert_eq!(heard.recv().await, None);
}
