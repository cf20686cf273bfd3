//! The unit, word by word.

use expect_test::expect;

use super::*;

#[test]
fn the_unit_is_whole() {
    let unit = unit_text(Manager::System, Path::new("/usr/local/bin/ostoja"), Path::new("/var/lib/ostoja"));
    expect![[r#"
        # Written by `ostoja service install`. Changes belong into `systemctl edit ostoja.service`.
        [Unit]
        Description=Ostoja, a kernel for programs and agents
        Documentation=man:ostoja(1)
        After=network.target
        StartLimitIntervalSec=60
        StartLimitBurst=10

        [Service]
        Type=notify
        NotifyAccess=main
        ExecStart=/usr/local/bin/ostoja --home /var/lib/ostoja kernel start
        ExecReload=/bin/kill -HUP $MAINPID
        Restart=always
        RestartSec=1
        WatchdogSec=30
        TimeoutStartSec=120
        TimeoutStopSec=60
        KillMode=mixed
        Delegate=yes
        LimitNOFILE=65536
        UMask=0077

        [Install]
        WantedBy=multi-user.target
    "#]]
    .assert_eq(&unit);
}

#[test]
fn paths_are_escaped_as_systemd_reads_them() {
    assert_eq!(unit_word(Path::new("/srv/home")), "/srv/home");
    assert_eq!(unit_word(Path::new("/srv/100%/a b")), "\"/srv/100%%/a b\"");
    assert_eq!(unit_word(Path::new("/srv/$x")), "/srv/$$x");
    assert_eq!(unit_word(Path::new("/srv/a\"b\\c")), "\"/srv/a\\\"b\\\\c\"");
}

#[test]
fn another_root_holds_the_same_path() {
    let path = unit_path(Manager::System, Some(Path::new("/tmp/root"))).expect("it needs no environment");
    assert_eq!(path, Path::new("/tmp/root/etc/systemd/system/ostoja.service"));
}
