//! X
use node::process::*;
use node::sandbox::Namespaces;
use tokio_util::sync::CancellationToken;
fn driver(dir: &std::path::Path) -> Namespaces {
    Namespaces::new(env!("CARGO_BIN_EXE_chancery-node").into(), dir.to_owned())
}
#[tokio::test]
async fn first() {
    let dir = tempfile::tempdir().unwrap();
    let d = driver(dir.path());
    println!("{:?}", d.cgroups().mechanisms());
    println!("{:#?}", d.check().await);
    let p = Process { command: vec!["sh".into(), "-c".into(), "id; ls -la / /work /dev /etc; cat; cat /proc/self/status | grep -i -E 'cap|seccomp|new'; echo hi > /out/a; mount; ps".into()], folder: None, input: b"hello\n".to_vec(), workspace: None, skill: None, network: false, limits: Default::default() };
    for _ in 0..3 {
        let r = d.run(&p, &CancellationToken::new()).await.unwrap();
        println!(
            "{}\n{}\n{:?} {:?} {:?} {:?}",
            String::from_utf8_lossy(&r.stdout.bytes),
            String::from_utf8_lossy(&r.stderr.bytes),
            r.exit,
            r.files,
            r.usage,
            r.duration
        );
    }
}
