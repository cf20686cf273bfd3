//! The table itself, in the order of a module's life. A test holds it against every code that the rooms write.

use super::Meaning;

const fn says(
    code: &'static str,
    english: &'static str,
    polish: &'static str,
    remedy: &'static str,
) -> Meaning {
    Meaning { code, english, polish, remedy }
}

pub(super) const MEANINGS: &[Meaning] = &[
    // The system itself.
    says("kernel.started", "the kernel started", "jądro wystartowało", ""),
    says("kernel.stopped", "the kernel stopped in order", "jądro zatrzymało się po kolei", ""),
    says("kernel.trouble", "trouble: {what}", "kłopot: {what}", "ostoja doctor"),
    says(
        "kernel.leftovers",
        "ended what an earlier kernel had left: {groups} groups",
        "zakończono to, co zostawiło poprzednie jądro: grupy {groups}",
        "",
    ),
    says("journal.begun", "a new journal begins", "zaczyna się nowy dziennik", ""),
    says(
        "journal.broken",
        "the journal before this one could not be read and was set aside",
        "poprzedniego dziennika nie dało się odczytać, odłożono go na bok",
        "ostoja audit --verify",
    ),
    says(
        "journal.damaged",
        "the journal does not hold together",
        "dziennik nie jest spójny",
        "ostoja audit --verify",
    ),
    says(
        "journal.lost",
        "{count} records were lost, because the disk did not keep up",
        "utracono wpisy ({count}), bo dysk nie nadążał",
        "ostoja doctor",
    ),
    says("journal.pruned", "the oldest records were removed", "usunięto najstarsze wpisy", ""),
    // Orders.
    says("order.start", "an operator asked to start it", "operator kazał uruchomić", ""),
    says("order.stop", "an operator asked to stop it", "operator kazał zatrzymać", "ostoja start {module}"),
    says("order.restart", "an operator asked to restart it", "operator kazał uruchomić ponownie", ""),
    says("order.remove", "an operator removed it", "operator usunął moduł", ""),
    says("order.shutdown", "an operator asked to stop everything", "operator kazał zatrzymać wszystko", ""),
    // From start to ready.
    says("module.starting", "starting", "start", ""),
    says(
        "module.held",
        "not started yet: it needs {for} first",
        "jeszcze nie ruszył: najpierw potrzebuje {for}",
        "ostoja ps",
    ),
    says("module.waiting", "waits for {for}", "czeka na {for}", "ostoja ps"),
    says("module.ready", "ready after {after_ms}", "gotowy po {after_ms}", ""),
    says(
        "module.init_failed",
        "said that it could not start: {error}",
        "zgłosił, że nie może ruszyć: {error}",
        "ostoja logs {module}",
    ),
    says(
        "module.spawn_failed",
        "its process could not be started: {error}",
        "nie udało się uruchomić procesu: {error}",
        "ostoja module check {module}",
    ),
    says(
        "module.refused",
        "may not be started: {why}",
        "nie wolno go uruchomić: {why}",
        "ostoja module show {module}",
    ),
    says(
        "module.kept",
        "keeps running as it was, because its new form may not be started: {why}",
        "działa dalej po staremu, bo nowej postaci nie wolno uruchomić: {why}",
        "ostoja module show {module}",
    ),
    says("module.too_many", "there are too many modules", "jest za dużo modułów", "ostoja module list"),
    // Ends.
    says(
        "module.exited",
        "{exit} after {after_ms}, while {state}",
        "zakończył się sam ({exit}) po {after_ms}, w stanie {state}",
        "ostoja logs {module}",
    ),
    says("module.completed", "has done its work after {after_ms}", "skończył pracę po {after_ms}", ""),
    says(
        "module.stopping",
        "told to end: {reason}; it has {grace_ms}",
        "ma się zakończyć: {reason}; dostał {grace_ms}",
        "",
    ),
    says(
        "module.killed",
        "did not end within {after_ms} and was killed",
        "nie zakończył się w {after_ms}, więc został zabity",
        "ostoja config set lifecycle.shutdownGraceMs 10000",
    ),
    says("module.stopped", "stopped: {reason}", "zatrzymany: {reason}", "ostoja start {module}"),
    says(
        "module.unkillable",
        "was killed, yet the operating system does not let it go",
        "został zabity, ale system operacyjny go nie puszcza",
        "ostoja doctor",
    ),
    says(
        "module.installed",
        "was installed, version {version}",
        "zainstalowano, wersja {version}",
        "ostoja module approve {module}",
    ),
    says("module.updated", "was replaced by version {version}", "zastąpiono wersją {version}", ""),
    says("module.uninstalling", "is being uninstalled", "jest odinstalowywany", ""),
    says(
        "module.reaped_late",
        "was let go by the operating system at last: {exit}",
        "system w końcu go wypuścił: {exit}",
        "",
    ),
    says(
        "modules.refused",
        "the modules were not taken over: {error}",
        "nie przejęto modułów: {error}",
        "ostoja reload modules",
    ),
    says("module.back", "its files are back", "jego pliki wróciły", ""),
    says("module.forgotten", "is no longer known", "nie jest już znany", ""),
    says("module.gone", "its files are gone", "jego pliki zniknęły", ""),
    says(
        "module.changed",
        "its files changed: a new life follows",
        "jego pliki się zmieniły: zacznie od nowa",
        "",
    ),
    // Restarts.
    says(
        "restart.now",
        "restarts at once: it had been well for {healthy_ms}",
        "rusza od razu: był zdrowy przez {healthy_ms}",
        "",
    ),
    says(
        "restart.planned",
        "restarts after {wait_ms} (attempt {attempt} of {max_restarts})",
        "ruszy ponownie po {wait_ms} (próba {attempt} z {max_restarts})",
        "ostoja restart {module}",
    ),
    says(
        "restart.paced",
        "waits its turn: many modules restart at once",
        "czeka na swoją kolej: wiele modułów rusza naraz",
        "",
    ),
    says(
        "restart.withheld",
        "is not restarted: the watchdog is passive",
        "nie rusza ponownie: strażnik jest bierny",
        "ostoja restart {module}",
    ),
    says(
        "restart.gave_up",
        "given up after {restarts} restarts; then: {action}",
        "porzucony po {restarts} próbach; potem: {action}",
        "ostoja restart {module}",
    ),
    says(
        "strategy.restart",
        "restarts too, because it shares the fate of {because}",
        "rusza ponownie, bo dzieli los z {because}",
        "",
    ),
    // Faults.
    says(
        "ready.timeout",
        "was not ready after {after_ms}",
        "nie był gotowy po {after_ms}",
        "ostoja logs {module}",
    ),
    says(
        "requires.timeout",
        "what it requires did not come: {missing}",
        "nie pojawiło się to, czego wymaga: {missing}",
        "ostoja ps",
    ),
    says(
        "health.missed",
        "left a ping unanswered ({failures} of {max})",
        "nie odpowiedział na ping ({failures} z {max})",
        "ostoja logs {module}",
    ),
    says(
        "health.reported",
        "hangs; the watchdog is passive and only says so",
        "wisi; strażnik jest bierny i tylko to zgłasza",
        "ostoja restart {module}",
    ),
    says(
        "timeout.reported",
        "stays as it is; the watchdog is passive and only says so",
        "zostaje, jak jest; strażnik jest bierny i tylko to zgłasza",
        "ostoja restart {module}",
    ),
    says(
        "service.duplicate",
        "offers `{service}`, which {provider} offers already",
        "oferuje `{service}`, co oferuje już {provider}",
        "ostoja stop {provider}",
    ),
    says(
        "service.cycle",
        "what it requires comes back to itself: {cycle}",
        "to, czego wymaga, wraca do niego: {cycle}",
        "ostoja module show {module}",
    ),
    // Rules broken.
    says(
        "rpc.forbidden",
        "called `{service}` without the capability for it",
        "wywołał `{service}`, choć nie ma na to zgody",
        "ostoja module show {module}",
    ),
    says(
        "topic.forbidden",
        "published on `{topic}`, which is the kernel's own",
        "publikował na `{topic}`, który należy do jądra",
        "ostoja module show {module}",
    ),
    says(
        "lane.broken",
        "wrote into its shared memory what is no frame: {fault}",
        "zapisał w pamięci wspólnej coś, co nie jest ramką: {fault}",
        "ostoja logs {module}",
    ),
    says(
        "net.refused",
        "was refused the network: {act} {grant}",
        "odmówiono mu sieci: {act} {grant}",
        "ostoja permissions grant {module} net={grant}",
    ),
    says(
        "config.forbidden",
        "tried to {verb} the configuration `{key}`, which is not its own",
        "sięgnął ({verb}) do konfiguracji `{key}`, która nie jest jego",
        "ostoja module show {module}",
    ),
    says(
        "fn.forbidden",
        "tried `{method}` without the permission `run {needs}`",
        "próbował `{method}` bez zgody `run {needs}`",
        "ostoja permissions grant {module} run={needs}",
    ),
    says(
        "refusals.summed_up",
        "was refused {count} times more within {over_ms}",
        "odmówiono mu jeszcze {count} razy w ciągu {over_ms}",
        "ostoja module show {module}",
    ),
    // Permissions.
    says(
        "permission.requested",
        "wishes for more: {permissions}",
        "prosi o więcej: {permissions}",
        "ostoja permissions grant {request}",
    ),
    says(
        "permission.granted",
        "was granted: {permissions}",
        "dostał: {permissions}",
        "ostoja permissions revoke {module}",
    ),
    says(
        "permission.denied",
        "was refused: {permissions}",
        "odmówiono mu: {permissions}",
        "ostoja permissions list {module}",
    ),
    says(
        "permission.revoked",
        "lost: {permissions}",
        "stracił: {permissions}",
        "ostoja permissions list {module}",
    ),
    says("permission.approved", "was approved", "został zatwierdzony", ""),
    says("permission.gone", "its approval is gone", "jego zgoda zniknęła", "ostoja module approve {module}"),
    says(
        "permission.changed",
        "what it may do changed: a new life follows",
        "zmieniło się, co mu wolno: zacznie od nowa",
        "",
    ),
    says(
        "permission.approving",
        "an operator approved: {permissions}",
        "operator zatwierdził: {permissions}",
        "ostoja module perms {module}",
    ),
    says(
        "permission.refused",
        "the permissions were not taken over: {error}",
        "nie przejęto uprawnień: {error}",
        "ostoja reload permissions",
    ),
    says(
        "permission.not_saved",
        "what was approved could not be saved: {error}",
        "nie udało się zapisać zgód: {error}",
        "ostoja doctor",
    ),
    // Configuration.
    says(
        "config.refused",
        "the configuration was not taken over: {error}",
        "nie przejęto konfiguracji: {error}",
        "ostoja config check",
    ),
    says(
        "config.changed",
        "the configuration changed: {sections}",
        "zmieniła się konfiguracja: {sections}",
        "ostoja config show --origin",
    ),
    says(
        "config.restart",
        "restarts, because it depends on the configuration `{section}`",
        "rusza ponownie, bo zależy od konfiguracji `{section}`",
        "",
    ),
    // WebAssembly.
    says("wasm.fell", "fell: {why}", "padł: {why}", "ostoja logs {module}"),
    says(
        "wasm.swapping",
        "its code changed and is taken over",
        "jego kod się zmienił i jest przejmowany",
        "",
    ),
    says(
        "wasm.swapped",
        "runs its new code with its state of {state_bytes} bytes, after a pause of {pause_us} µs",
        "działa z nowym kodem i stanem {state_bytes} B, po przerwie {pause_us} µs",
        "",
    ),
    says(
        "wasm.swap_refused",
        "goes on with its old code: {why}",
        "działa dalej ze starym kodem: {why}",
        "ostoja restart {module}",
    ),
    // The end.
    says(
        "shutdown.begun",
        "everything stops: {modules} modules in {tiers} tiers",
        "wszystko się zatrzymuje: moduły {modules}, kroki {tiers}",
        "",
    ),
    says("shutdown.forced", "everything is killed at once", "wszystko jest zabijane od razu", ""),
    says("shutdown.done", "nothing runs any more", "nic już nie działa", ""),
];
