//! Escapes from the namespaces, each with its positive twin.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use node::process::{Exit, Process};
use protocol::JobLimits;
use tokio_util::sync::CancellationToken;

use crate::support::{Place, run, shell, stderr, stdout};

#[tokio::test]
async fn a_command_runs_with_its_input_streams_exit_code_and_files() {
    let place = Place::new();
    let process = Process {
        input: b"hello".to_vec(),
        ..shell("cat; echo err >&2; echo made > /out/a; mkdir /out/d; echo deep > /out/d/b; exit 3")
    };
    let ran = run(&place, &process).await;
    assert_eq!(ran.exit, Exit::Code(3));
    assert_eq!(
        (stdout(&ran).as_str(), stderr(&ran).as_str()),
        ("hello", "err\n")
    );
    let files = [
        ("a".to_owned(), b"made\n".to_vec()),
        ("d/b".to_owned(), b"deep\n".to_vec()),
    ];
    assert_eq!((ran.files, ran.files_cut), (files.to_vec(), false));
    assert!(ran.usage.memory_bytes_max > 0);
}

#[tokio::test]
async fn the_environment_is_the_given_one_alone() {
    let place = Place::new();
    let ran = run(
        &place,
        &shell("env | sort | cut -d= -f1 | tr '\\n' ' '; pwd"),
    )
    .await;
    assert_eq!(
        stdout(&ran),
        "HOME LANG OUT_DIR PATH PWD SKILL_DIR TMPDIR TZ WORK_DIR /work\n"
    );
}

#[tokio::test]
async fn files_of_the_machine_are_not_there_and_programs_are() {
    let place = Place::new();
    let secret = place.path().join("secret");
    std::fs::write(&secret, "canary").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let script = format!(
        "cat /etc/shadow {0} /proc/1/root{0} /proc/1/cwd{0} /proc/self/root{0} ../../../../{0}; ls /root /home /var /sys /boot; true",
        secret.display()
    );
    let ran = run(&place, &shell(&script)).await;
    assert_eq!(stdout(&ran), "");
    let ran = run(
        &place,
        &shell("ls /usr/bin/env && cat /etc/passwd | head -1 && ls / | tr '\\n' ' '"),
    )
    .await;
    assert!(
        stdout(&ran).starts_with("/usr/bin/env\nagent:x:1000"),
        "{}",
        stderr(&ran)
    );
}

#[tokio::test]
async fn processes_of_the_machine_are_not_there_and_its_own_are() {
    let place = Place::new();
    let own = std::process::id();
    let script = format!("ls -d /proc/[0-9]* | wc -l; kill -9 {own} 2>&1; kill -9 1; echo alive");
    let ran = run(&place, &shell(&script)).await;
    let out = stdout(&ran);
    let count: u32 = out.lines().next().unwrap().parse().unwrap();
    assert!((2..8).contains(&count), "{out}");
    assert!(out.contains("alive"), "{out}");
}

#[tokio::test]
async fn nothing_can_be_mounted_and_no_namespace_entered() {
    let place = Place::new();
    let script = "mount -t tmpfs t /tmp; umount /tmp; unshare -U true; unshare -m true; \
        nsenter -t 1 -m true; chroot / true; echo $?";
    let ran = run(&place, &shell(script)).await;
    assert!(!stdout(&ran).starts_with('0'), "{}", stdout(&ran));
    assert!(
        stderr(&ran).contains("not permitted") || stderr(&ran).contains("denied"),
        "{}",
        stderr(&ran)
    );
    assert_eq!(
        run(&place, &shell("touch /tmp/x && echo ok")).await.exit,
        Exit::Code(0)
    );
}

#[tokio::test]
async fn the_root_the_skill_and_devices_are_read_only() {
    let place = Place::new();
    let skill = place.path().join("skill");
    std::fs::create_dir(&skill).unwrap();
    std::fs::write(skill.join("data"), "data").unwrap();
    let script = "cat /skill/data; for f in /x /usr/x /etc/x /skill/x /skill/data /work/x /dev/x /proc/x \
        /proc/self/oom_score_adj /proc/sys/kernel/core_pattern; \
        do (echo x > $f) 2>/dev/null && echo wrote $f; done; \
        rm -f /skill/data 2>/dev/null && echo removed; mknod /tmp/n c 1 3 2>/dev/null && echo node; \
        echo x > /dev/null && echo x > /tmp/x && echo x > /out/x && echo done";
    let process = Process {
        skill: Some(skill.clone()),
        ..shell(script)
    };
    let ran = run(&place, &process).await;
    assert_eq!(stdout(&ran), "datadone\n", "{}", stderr(&ran));
    assert_eq!(std::fs::read_to_string(skill.join("data")).unwrap(), "data");
}

#[tokio::test]
async fn the_workspace_is_as_writable_as_it_was_granted() {
    let place = Place::new();
    let workspace = place.workspace();
    std::fs::write(workspace.path().join("present"), "there\n").unwrap();
    let script = "cat present; echo new > made && echo wrote; exit 0";
    let read = Process {
        workspace: Some(place.mount(false)),
        ..shell(script)
    };
    assert_eq!(stdout(&run(&place, &read).await), "there\n");
    assert!(!workspace.path().join("made").exists());

    let write = Process {
        workspace: Some(place.mount(true)),
        ..shell(script)
    };
    let ran = run(&place, &write).await;
    assert_eq!(stdout(&ran), "there\nwrote\n", "{}", stderr(&ran));
    assert_eq!(
        std::fs::read_to_string(workspace.path().join("made")).unwrap(),
        "new\n"
    );

    let none = shell("ls -A /work | wc -l");
    assert_eq!(stdout(&run(&place, &none).await).trim(), "0");
}

#[tokio::test]
async fn git_internals_are_read_only_in_a_writable_workspace() {
    let place = Place::new();
    let workspace = place.workspace();
    std::fs::create_dir(workspace.path().join(".git")).unwrap();
    std::fs::write(workspace.path().join(".git/config"), "plain\n").unwrap();
    let script = "cat .git/config; (echo evil > .git/config) 2>/dev/null; mv .git .gone 2>/dev/null; \
        rm -rf .git 2>/dev/null; mkdir .git/hooks 2>/dev/null; cat .git/config; echo x > beside";
    let write = Process {
        workspace: Some(place.mount(true)),
        ..shell(script)
    };
    let ran = run(&place, &write).await;
    assert_eq!(stdout(&ran), "plain\nplain\n", "{}", stderr(&ran));
    assert!(workspace.path().join("beside").exists());
}

#[tokio::test]
async fn a_link_out_of_the_workspace_leads_nowhere() {
    let place = Place::new();
    let workspace = place.workspace();
    let outside = place.path().join("outside");
    std::fs::write(&outside, "canary").unwrap();
    symlink(&outside, workspace.path().join("link")).unwrap();
    symlink("/etc/shadow", workspace.path().join("shadow")).unwrap();
    symlink("inside", workspace.path().join("good")).unwrap();
    std::fs::write(workspace.path().join("inside"), "inside").unwrap();
    let script = "cat link shadow 2>/dev/null; echo x > link; cat good";
    let process = Process {
        workspace: Some(place.mount(true)),
        ..shell(script)
    };
    assert_eq!(stdout(&run(&place, &process).await), "inside");
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "canary");
}

#[tokio::test]
async fn a_folder_that_was_exchanged_is_refused() {
    let place = Place::new();
    let mount = place.mount(true);
    let elsewhere = place.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("canary"), "canary").unwrap();
    std::fs::remove_dir(&mount.path).unwrap();
    symlink(&elsewhere, &mount.path).unwrap();
    let process = Process {
        workspace: Some(mount),
        ..shell("cat canary")
    };
    let result = place
        .namespaces()
        .run(&process, &CancellationToken::new())
        .await;
    assert!(result.is_err(), "{result:?}");
}

#[tokio::test]
async fn there_is_no_network_unless_it_was_granted() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    // bash is the one program everywhere that connects by itself.
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    let mut process = Process {
        command: ["bash", "-c", &script].map(str::to_owned).into(),
        ..shell("")
    };
    let ran = run(&place, &process).await;
    assert_eq!(stdout(&ran), "");
    assert!(listener.accept().is_err(), "the kernel saw a connection");
    let interfaces = shell("tail -n +3 /proc/self/net/dev | cut -d: -f1");
    assert_eq!(stdout(&run(&place, &interfaces).await).trim(), "lo");

    process.network = true;
    let ran = run(&place, &process).await;
    assert_eq!(stdout(&ran), "connected\n", "{}", stderr(&ran));
    assert!(listener.accept().is_ok());
}

#[tokio::test]
async fn nobody_is_privileged_inside() {
    let place = Place::new();
    let script = "id -u; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -d '\\t'; \
        cat /proc/self/uid_map | tr -s ' '";
    let ran = run(&place, &shell(script)).await;
    let out = stdout(&ran);
    assert!(out.starts_with("1000\n"), "{out}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(out.contains(&format!("{set}:0000000000000000")), "{out}");
    }
    assert!(
        out.contains("NoNewPrivs:1") && out.contains("Seccomp:2"),
        "{out}"
    );
    // On this machine it is never root's own user.
    let outside = if rustix::process::geteuid().is_root() {
        65_534
    } else {
        rustix::process::geteuid().as_raw()
    };
    assert!(out.contains(&format!(" 1000 {outside} 1")), "{out}");
}

#[tokio::test]
async fn set_user_id_programs_give_nothing_and_can_not_be_left_behind() {
    let place = Place::new();
    let script = "for p in /usr/bin/su /usr/bin/mount /usr/bin/passwd; do [ -u $p ] && echo suid; done | head -1; \
        su -c id root </dev/null 2>/dev/null | grep -c uid=0; \
        cp /usr/bin/id mine; chmod 4755 mine 2>/dev/null; chmod 2755 mine 2>/dev/null; chmod 755 mine && stat -c %a mine; \
        mkdir -m 2755 sg 2>/dev/null; echo end";
    let process = Process {
        workspace: Some(place.mount(true)),
        ..shell(script)
    };
    let ran = run(&place, &process).await;
    assert_eq!(stdout(&ran), "suid\n0\n755\nend\n", "{}", stderr(&ran));
    let mode = std::fs::metadata(place.workspace().path().join("mine"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7000, 0);
}

#[tokio::test]
async fn ptrace_and_the_memory_of_others_are_out_of_reach() {
    let place = Place::new();
    let script = "head -c 1 /proc/1/mem >/dev/null 2>&1 && echo mem; cat /proc/1/environ /proc/1/maps 2>/dev/null; \
        ls /proc/1/fd 2>/dev/null; cat /proc/self/comm";
    let ran = run(&place, &shell(script)).await;
    assert_eq!(stdout(&ran), "cat\n");
}

#[tokio::test]
async fn no_descriptor_of_the_node_is_inherited() {
    let place = Place::new();
    let ran = run(&place, &shell("ls /proc/self/fd | tr '\\n' ' '")).await;
    // 3 is the folder that `ls` itself has open.
    assert_eq!(stdout(&ran), "0 1 2 3 ");
}

#[tokio::test]
async fn time_is_bounded_for_everything_inside() {
    let place = Place::new();
    let limits = JobLimits {
        timeout_ms: 400,
        ..JobLimits::default()
    };
    let process = Process {
        limits,
        ..shell("(setsid sleep 60 &) ; trap '' TERM INT; sleep 60")
    };
    let started = Instant::now();
    let ran = run(&place, &process).await;
    assert_eq!(ran.exit, Exit::TimedOut);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );

    let quick = Process {
        limits,
        ..shell("echo quick")
    };
    assert_eq!(run(&place, &quick).await.exit, Exit::Code(0));
}

#[tokio::test]
async fn what_is_left_in_the_background_ends_with_the_command() {
    let place = Place::new();
    let marker = place.mount(true);
    let script = "(setsid sh -c 'sleep 1; echo late > late' >/dev/null 2>&1 &); echo done";
    let process = Process {
        workspace: Some(marker),
        ..shell(script)
    };
    let started = Instant::now();
    let ran = run(&place, &process).await;
    assert_eq!((stdout(&ran).as_str(), ran.exit), ("done\n", Exit::Code(0)));
    assert!(
        started.elapsed() < Duration::from_millis(900),
        "{:?}",
        started.elapsed()
    );
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!place.workspace().path().join("late").exists());
}

#[tokio::test]
async fn memory_is_bounded() {
    let place = Place::new();
    let limits = JobLimits {
        memory_bytes: 64 * 1024 * 1024,
        ..shell("").limits
    };
    let hungry = "x=0123456789abcdef; while :; do x=$x$x; done";
    let ran = run(
        &place,
        &Process {
            limits,
            ..shell(hungry)
        },
    )
    .await;
    if place.namespaces().cgroups().limits_memory() {
        assert_eq!(ran.exit, Exit::OutOfMemory, "{}", stderr(&ran));
        assert!(ran.usage.memory_bytes_max <= limits.memory_bytes + 1024 * 1024);
    } else {
        assert_ne!(ran.exit, Exit::Code(0));
    }
    let modest = Process {
        limits,
        ..shell("head -c 8000000 /dev/zero | wc -c")
    };
    assert_eq!(stdout(&run(&place, &modest).await).trim(), "8000000");
}

#[tokio::test]
async fn memory_files_count_too() {
    let place = Place::new();
    let limits = JobLimits {
        memory_bytes: 48 * 1024 * 1024,
        ..shell("").limits
    };
    let script = "head -c 200000000 /dev/zero > /tmp/big; stat -c %s /tmp/big; head -c 20000000 /dev/zero > /out/big; stat -c %s /out/big";
    let ran = run(
        &place,
        &Process {
            limits,
            ..shell(script)
        },
    )
    .await;
    for size in stdout(&ran).lines() {
        assert!(
            size.parse::<u64>().unwrap() <= 24 * 1024 * 1024,
            "{}",
            stdout(&ran)
        );
    }
}

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_a_few_processes_are_not() {
    let place = Place::new();
    let limits = JobLimits {
        processes: 32,
        timeout_ms: 3_000,
        ..JobLimits::default()
    };
    let bomb = "f() { f | f & }; f; sleep 1; ls -d /proc/[0-9]* | wc -l; true";
    let ran = run(
        &place,
        &Process {
            limits,
            ..shell(bomb)
        },
    )
    .await;
    if let Some(count) = stdout(&ran).lines().next() {
        assert!(
            count.trim().parse::<u32>().unwrap() <= 36,
            "{}",
            stdout(&ran)
        );
    }
    let few = "for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait; echo all";
    assert_eq!(
        stdout(
            &run(
                &place,
                &Process {
                    limits,
                    ..shell(few)
                }
            )
            .await
        ),
        "all\n"
    );
}

#[tokio::test]
async fn output_and_files_are_bounded() {
    let place = Place::new();
    let limits = JobLimits {
        stream_bytes: 1_000,
        file_bytes: 100_000,
        ..shell("").limits
    };
    let script = "yes | head -c 5000000; head -c 500000 /dev/zero > /tmp/big; stat -c %s /tmp/big >&2; \
        for i in $(seq 1 100); do echo $i > /out/$i; done; ln -s /etc/passwd /out/link; mkfifo /out/pipe";
    let ran = run(
        &place,
        &Process {
            limits,
            ..shell(script)
        },
    )
    .await;
    assert_eq!((ran.stdout.bytes.len(), ran.stdout.cut), (1_000, true));
    assert!(stderr(&ran).contains("100000"), "{}", stderr(&ran));
    assert!(ran.files_cut && ran.files.len() <= 64);
    assert!(
        ran.files
            .iter()
            .all(|(path, _)| path != "link" && path != "pipe")
    );
}

#[tokio::test]
async fn a_job_can_be_stopped() {
    let place = Place::new();
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    let (namespaces, process) = (place.namespaces(), shell("echo begun; sleep 60"));
    let (ran, ()) = tokio::join!(namespaces.run(&process, &stop), async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stopper.cancel();
    });
    let ran = ran.unwrap();
    assert_eq!(
        (ran.exit, stdout(&ran).as_str()),
        (Exit::Stopped, "begun\n")
    );
    assert!(ran.duration < Duration::from_secs(5));
}

#[tokio::test]
async fn a_command_that_is_not_there_is_said_not_to_have_started() {
    let place = Place::new();
    let process = Process {
        command: vec!["no-such-command".to_owned()],
        ..shell("")
    };
    assert_eq!(
        run(&place, &process).await.exit,
        Exit::NotStarted(libc::ENOENT)
    );
    let process = Process {
        command: vec!["./run.sh".to_owned()],
        ..shell("")
    };
    assert_eq!(
        run(&place, &process).await.exit,
        Exit::NotStarted(libc::ENOENT)
    );
}

#[tokio::test]
async fn a_broken_boundary_is_an_error_and_nothing_runs() {
    let place = Place::new();
    std::fs::remove_dir(place.path().join("staging")).unwrap();
    let marker = place.mount(true);
    let process = Process {
        workspace: Some(marker.clone()),
        ..shell("echo ran > ran")
    };
    let result = place
        .namespaces()
        .run(&process, &CancellationToken::new())
        .await;
    assert!(result.is_err(), "{result:?}");
    assert!(!marker.path.join("ran").exists());
}

#[tokio::test]
async fn every_check_of_the_probe_holds_here() {
    let place = Place::new();
    let checks = place.namespaces().check().await.unwrap();
    assert!(checks.iter().all(|check| check.holds), "{checks:?}");
}

/// What a sandbox adds to a process: the figure of the design, with room for a busy machine.
#[tokio::test]
async fn it_starts_fast() {
    let place = Place::new();
    let namespaces = place.namespaces();
    let mut samples = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        let process = Process {
            command: vec!["/bin/true".to_owned()],
            ..shell("")
        };
        namespaces
            .run(&process, &CancellationToken::new())
            .await
            .unwrap();
        samples.push(started.elapsed());
    }
    samples.sort_unstable();
    println!(
        "sandbox start: best {:?}, median {:?}",
        samples[0], samples[10]
    );
    assert!(samples[0] < Duration::from_millis(200), "{samples:?}");
}
