//! What the commands say to people, English and Polish side by side in one table. What records mean is said by
//! `host::words`, in the same two languages; codes, logs and `--help` are English.

use crate::lang::Lang;

pub mod findings;
pub mod headings;

/// Writes the table once: the variants, all of them as a list, and their texts.
macro_rules! phrases {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $polish:literal;)+) => {
        /// A sentence with places `{0}`, `{1}`, … for values.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Phrase {
            $($(#[$doc])* $name,)+
        }

        impl Phrase {
            /// All sentences, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The sentence with its places.
            pub fn template(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::En) => $english, (Self::$name, Lang::Pl) => $polish,)+
                }
            }
        }
    };
}

phrases! {
    /// `down` and `status` where nothing runs.
    NotRunning: "no kernel runs on {0}", "na {0} nie działa żadne jądro";
    /// `up` where a kernel runs already.
    RunsAlready: "the kernel runs already (pid {0})", "jądro już działa (pid {0})";
    /// A step of the boot.
    BootStep: "[{0}/5] {1}: {2}", "[{0}/5] {1}: {2}";
    /// All modules are ready.
    AllReady: "ready in {0}; modules: {1}", "gotowe w {0}; moduły: {1}";
    /// Some modules are not.
    SomeNotReady: "up after {0}, but not ready: {1}", "działa po {0}, ale niegotowe: {1}";
    /// No module runs, and that is meant.
    SafeMode: "safe mode, so no module runs: {0}; leave it with: {1} kernel resume", "tryb awaryjny, żaden moduł nie działa: {0}; wyjście: {1} kernel resume";
    /// Safe mode is over.
    Resumed: "safe mode is left; modules start", "koniec trybu awaryjnego; moduły ruszają";
    /// A module was moved to the stable zone.
    Promoted: "{0} lives in the stable zone now", "{0} mieszka teraz w strefie stable";
    /// It was there.
    PromotedAlready: "{0} lives in the stable zone already", "{0} już mieszka w strefie stable";
    /// A whole zone was restarted or reset.
    ZoneBegins: "the modules of the {0} zone begin anew", "moduły strefy {0} zaczynają od nowa";
    /// Before files are put back.
    RestoreQuestion: "put back {0} files? What is there now goes to {1}.", "przywrócić pliki ({0})? To, co jest teraz, trafi do {1}.";
    /// There is nothing to run.
    NoModules: "no modules yet; try `{0} run -- COMMAND` or write an ostoja.yaml", "nie ma jeszcze modułów; spróbuj `{0} run -- POLECENIE` albo napisz ostoja.yaml";
    /// `dev` begins.
    DevBegins: "{0}: every frame is shown, and what you write there is taken over; from another terminal: {1} ps", "{0}: każda ramka jest pokazywana, a to, co tam napiszesz, przejmowane; z innego terminala: {1} ps";
    /// `dev` swapped code.
    DevSwapped: "{0}: new code, same state, in {1} ({2})", "{0}: nowy kod, ten sam stan, w {1} ({2})";
    /// `dev` restarted a module.
    DevRestarted: "{0}: restarted in {1} ({2})", "{0}: uruchomiony ponownie w {1} ({2})";
    /// `dev` read descriptions again.
    DevReread: "{0}: read again in {1} ({2})", "{0}: wczytany ponownie w {1} ({2})";
    /// `dev` could not take over what was written.
    DevGoesOn: "what runs goes on; save the file again when it is mended", "to, co działa, działa dalej; zapisz plik ponownie, gdy będzie poprawny";
    /// What would allow what was refused.
    DevGrant: "to allow it: {0}", "aby na to pozwolić: {0}";
    /// What to write to allow a call.
    DevAddService: "add \"{0}\" to optionalRequires in module.json, or to the module's requires in ostoja.yaml", "dopisz \"{0}\" do optionalRequires w module.json albo do requires modułu w ostoja.yaml";
    /// What to do in the foreground.
    CtrlCStops: "Ctrl-C stops everything", "Ctrl-C zatrzymuje wszystko";
    /// The first Ctrl-C.
    Stopping: "stopping; once more Ctrl-C kills at once", "zatrzymuję; drugie Ctrl-C zabija od razu";
    /// Everything is stopped.
    Stopped: "stopped in {0}", "zatrzymane w {0}";
    /// Something is wrong with a running kernel.
    Trouble: "trouble: {0}", "kłopot: {0}";
    /// A module is refused.
    Refused: "{0} is refused: {1}", "{0} odrzucony: {1}";
    /// A module is not ready.
    NotReady: "{0} is {1}: {2}", "{0}: {1}, {2}";
    /// The last lines of a module's stderr follow.
    StderrTail: "last lines of {0}:", "ostatnie linie {0}:";
    /// Where to learn more.
    AskWhy: "ask: {0} why {1}", "zapytaj: {0} why {1}";
    /// The log lines that a slow reader missed.
    LinesLost: "{0} lines were lost", "utracono linii: {0}";
    /// The events that a slow reader missed.
    EventsLost: "{0} events were lost, because they were read too slowly", "utracono zdarzeń: {0}, bo czytano je za wolno";
    /// What an event stream that was resumed can't tell.
    EventsTooOld: "not all that came after {0} is kept any more; this is the rest", "nie wszystko po {0} jest jeszcze przechowywane; oto reszta";
    /// The same when the kernel has begun anew.
    EventsOfAnother: "{0} belongs to an earlier run of the kernel; this is what the present one keeps", "{0} należy do wcześniejszego działania jądra; oto, co przechowuje obecne";
    /// `events`: the connection broke.
    ConnectionLost: "the kernel went away; waiting for it", "jądro zniknęło; czekam na nie";
    /// `events`: it is made again.
    ConnectedAgain: "it is back", "jest z powrotem";
    /// `events`: what everything uses.
    UsedTogether: "modules: {0}   cpu {1}   memory {2}", "moduły: {0}   procesor {1}   pamięć {2}";
    /// `policy check`: there are none.
    NoPolicies: "no policies in {0}; the built-in roles are all", "brak zasad w {0}; obowiązują same wbudowane role";
    /// `policy check`: nothing is wrong.
    PoliciesWell: "policies that are well: {0}, in {1} files", "poprawne zasady: {0}, pliki: {1}";
    /// `policy explain`.
    PolicyAllows: "allowed: {0}", "wolno: {0}";
    /// The same, for a denial.
    PolicyDenies: "denied: {0}", "nie wolno: {0}";
    /// No policy had a say.
    PolicyNone: "no policy permits it", "żadna zasada na to nie pozwala";
    /// `policy test`.
    PolicyCases: "cases: {0}, otherwise than expected: {1}", "przypadki: {0}, inaczej niż oczekiwano: {1}";
    /// What was followed came to its end.
    Ended: "the end: {0}", "koniec: {0}";
    /// `start`, `stop`, `restart`: it was so already.
    Already: "{0} was so already: {1}", "{0} już tak było: {1}";
    /// `start`, `stop`, `restart`: how it is now.
    Now: "{0} is {1}", "{0}: {1}";
    /// `run -d`.
    RunDetached: "{0} runs; see {1} logs -f {0}", "{0} działa; zobacz {1} logs -f {0}";
    /// `run`: the command ended.
    RunEnded: "{0} ended with exit code {1}", "{0} zakończył się kodem {1}";
    /// `restart --hot`.
    Swapped: "{0} runs its new code; pause {1}, state {2}", "{0} działa z nowym kodem; przerwa {1}, stan {2}";
    /// `actors`: there are none.
    NoActors: "no actors live in the kernel's process", "w procesie jądra nie żyją żadne aktory";
    /// `fn put`.
    FunctionPut: "{0} is kept ({1})", "{0} jest przechowywana ({1})";
    /// `fn rm`.
    FunctionRemoved: "{0} is removed", "{0} została usunięta";
    /// `fn list`: there are none.
    NoFunctions: "no functions yet; try `{0} fn put NAME FILE`", "nie ma jeszcze funkcji; spróbuj `{0} fn put NAZWA PLIK`";
    /// `publish`.
    Published: "modules that got it: {0}", "moduły, które to dostały: {0}";
    /// `dashboard`, beside its link.
    DashboardLink: "the link logs in once, within 5 minutes", "odnośnik loguje jeden raz, w ciągu 5 minut";
    /// `dashboard`, where it has no address.
    DashboardSocket: "it listens on its socket only: state/web/api.sock in the home", "słucha tylko na gnieździe: state/web/api.sock w katalogu domowym";
    /// `dashboard --tls-self-signed`.
    DashboardFingerprint: "its certificate is its own; compare the fingerprint that the browser shows (SHA-256): {0}", "certyfikat jest własny; porównaj odcisk, który pokazuje przeglądarka (SHA-256): {0}";
    /// `dashboard --off`.
    DashboardOff: "the dashboard is off; `{0} dashboard` turns it on", "panel jest wyłączony; `{0} dashboard` go włącza";
    /// `alert list`: nothing fires.
    NothingFires: "nothing fires; rules that hold: {0}", "nic nie alarmuje; obowiązujące reguły: {0}";
    /// `alert list`: the section is wrong.
    AlertsTrouble: "the configuration of alerts is not taken over: {0}", "konfiguracja alarmów nie została przyjęta: {0}";
    /// `alert list`, `alert test`: nobody is told.
    NoOutputs: "nobody is told yet; see `{0} help alert`", "nikt nie jest jeszcze powiadamiany; zob. `{0} help alert`";
    /// `alert silence`.
    SilenceBegins: "silence {0} begins; `{1} alert unsilence {0}` ends it", "cisza {0} trwa; `{1} alert unsilence {0}` ją kończy";
    /// `alert unsilence`.
    SilenceEnds: "silence {0} is over", "cisza {0} się skończyła";
    /// `token create`, beside the token.
    TokenShownOnce: "it is shown this once; send it as `Authorization: Bearer ...`", "pokazany jest tylko raz; wysyłaj go jako `Authorization: Bearer ...`";
    /// `token list`: there are none.
    NoTokens: "no tokens yet; try `{0} token create NAME`", "nie ma jeszcze tokenów; spróbuj `{0} token create NAZWA`";
    /// `token revoke`.
    TokenRevoked: "{0} lets nobody in any more", "{0} nie wpuści już nikogo";
    /// `subscribe` begins.
    Listening: "listening to {0}; Ctrl-C ends", "słucham: {0}; Ctrl-C kończy";
    /// `reload` found no difference.
    NothingChanged: "nothing changed", "nic się nie zmieniło";
    /// `restart plan`: how long.
    RestartTakes: "{0} is away for {1} as a rule, {2} at most ({3} restarts in the journal), and with it: {4}", "{0} znika zwykle na {1}, najdłużej na {2} (restarty w dzienniku: {3}), a z nim: {4}";
    /// `restart plan`: nobody knows how long.
    RestartUnknown: "{0} has no restart in the journal, so nobody knows how long it is away; with it goes: {1}", "{0} nie ma restartu w dzienniku, więc nie wiadomo, na jak długo zniknie; z nim znika: {1}";
    /// `restart plan`: who is restarted too.
    RestartedWithIt: "restarted with it: {0}", "restartowane razem z nim: {0}";
    /// `backup create`: what could not be read.
    BackupSkipped: "not backed up: {0}", "nie ma w kopii: {0}";
    /// While a backup is made.
    BackingUp: "backing up", "tworzę kopię";
    /// While files are laid out again.
    Restoring: "restoring", "przywracam";
    /// While everything is read.
    Verifying: "verifying", "sprawdzam";
    /// While a folder becomes a package.
    Packing: "packing", "pakuję";
    /// While versions change.
    Updating: "updating", "aktualizuję";
    /// `backup create`.
    BackupMade: "backup {0}: {1} stored in {2}", "kopia {0}: zapisano {1} w {2}";
    /// `backup create --due` with nothing to do.
    NothingDue: "nothing is due", "nic jeszcze nie trzeba robić";
    /// `backup list`: a record that is damaged.
    BackupDamaged: "damaged: {0}", "uszkodzony: {0}";
    /// `backup list` without any.
    NoBackups: "no backup yet; make one: {0} backup create", "nie ma jeszcze kopii; zrób ją: {0} backup create";
    /// `backup verify` found nothing wrong.
    BackupsSound: "{0} backups, {1} chunks, every byte as it was written", "kopie: {0}, fragmenty: {1}, każdy bajt taki, jak go zapisano";
    /// `backup verify` found something.
    BackupsBroken: "lost: {0} files; what is still there is stored anew by: {1} backup create", "stracone pliki: {0}; co jeszcze istnieje, zapisze ponownie: {1} backup create";
    /// The question before a restore in place.
    BackupRestoreQuestion: "put back {0}? What is there now is kept aside", "przywrócić {0}? To, co jest tam teraz, zostanie odłożone na bok";
    /// `backup restore` in place.
    BackupRestored: "{0} files put back; what was there lies in {1}", "przywrócono pliki: {0}; co tam było, leży w {1}";
    /// `snapshot create`.
    SnapshotMade: "snapshot {0}: {1} states, {2} stored; what modules said was held for {3}", "migawka {0}: stanów {1}, zapisano {2}; wiadomości czekały {3}";
    /// `snapshot list` without any.
    NoSnapshots: "no snapshot yet; make one: {0} snapshot create", "nie ma jeszcze migawki; zrób ją: {0} snapshot create";
    /// The question before states are put back.
    SnapshotRestoreQuestion: "put back the state of {0}? Those that run are started anew, and what they remember now is lost", "przywrócić stan: {0}? Działające ruszą od nowa, a to, co teraz pamiętają, przepadnie";
    /// `self-update`: it took over.
    SelfUpdated: "{0} handed over to {1}; modules that ran on: {2}; pause: {3}", "{0} przekazał miejsce {1}; modułów, które działały dalej: {2}; przerwa: {3}";
    /// `self-update`: it did not, or did not stay.
    SelfUpdateUndone: "{0} did not take over: {1}", "{0} nie przejął miejsca: {1}";
    /// `module install`.
    Installed: "{0} is installed", "{0} zainstalowany";
    /// What a module asks for follows.
    AsksFor: "{0} asks for:", "{0} prosi o:";
    /// What it may do already.
    HasAlready: "{0} has already:", "{0} ma już:";
    /// The question before an approval.
    ApproveQuestion: "approve exactly this for {0}?", "zatwierdzić dokładnie to dla {0}?";
    /// It has to be approved first.
    ApproveNext: "it runs after: {0} module approve {1}", "ruszy po: {0} module approve {1}";
    /// `module approve`.
    Approved: "{0} is approved", "{0} zatwierdzony";
    /// The question before a module is observed with nothing refused.
    ProfileOpenQuestion: "let {0} use all files, programs and places that you can, while it is observed?", "pozwolić {0} na wszystkie pliki, programy i miejsca dostępne tobie na czas obserwacji?";
    /// `module profile --write`.
    ProfileWritten: "its module.json asks for this now; it runs after: {0} module approve {1}", "jego module.json prosi teraz o to; ruszy po: {0} module approve {1}";
    /// The question before all modules of `dev` are observed with nothing refused.
    DevOpenQuestion: "let these modules use all files, programs and places that you can, while they are observed?", "pozwolić tym modułom na wszystkie pliki, programy i miejsca dostępne tobie na czas obserwacji?";
    /// `dev --observe --write`.
    DevWritten: "{0} asks for this now", "{0} prosi teraz o to";
    /// `dev --observe` without `--write`.
    DevWriteHint: "add --write to put this into {0}", "dodaj --write, aby zapisać to w {0}";
    /// `dev --observe` of what has no manifest of its own.
    DevPutThere: "to take this over, write in ostoja.yaml under {0}: permissions: {1}", "aby to przejąć, wpisz w ostoja.yaml pod {0}: permissions: {1}";
    /// The question before a module is removed.
    UninstallQuestion: "stop {0}, forget its approval and remove its folder?", "zatrzymać {0}, zapomnieć zgodę i usunąć folder?";
    /// `module uninstall`.
    Uninstalled: "{0} is gone", "{0} usunięty";
    /// `module update`.
    Updated: "{0} is updated", "{0} zaktualizowany";
    /// Nothing waits for an answer.
    NothingPending: "no wish waits for an answer", "żadna prośba nie czeka na odpowiedź";
    /// `permissions grant`.
    Granted: "granted to {0}", "przyznano: {0}";
    /// `permissions deny`.
    Denied: "refused to {0}", "odmówiono: {0}";
    /// `permissions revoke`.
    Revoked: "taken back from {0}", "odebrano: {0}";
    /// The question before permissions are taken back.
    RevokeQuestion: "take this back from {0}? it is restarted", "odebrać to {0}? ruszy ponownie";
    /// The question before permissions are granted.
    GrantQuestion: "grant exactly this to {0}?", "przyznać dokładnie to {0}?";
    /// `context set`.
    ContextSet: "kept: {0} {1}", "zachowano: {0} {1}";
    /// `context delete`.
    ContextDeleted: "removed: {0} {1}", "usunięto: {0} {1}";
    /// `context list` without any.
    NoVariables: "no variables", "brak zmiennych";
    /// `context list` with too many.
    MoreVariables: "{0} more; name a scope", "jeszcze {0}; podaj zakres";
    /// The question for a secret's value.
    AskSecret: "value of {0} (not shown): ", "wartość {0} (niewidoczna): ";
    /// The question for a passphrase.
    AskPassphrase: "passphrase of the vault (not shown): ", "hasło skarbca (niewidoczne): ";
    /// The question for a new passphrase.
    AskNewPassphrase: "new passphrase of the vault (not shown): ", "nowe hasło skarbca (niewidoczne): ";
    /// The same again.
    AskAgain: "once more: ", "jeszcze raz: ";
    /// `secret set`.
    SecretSet: "kept: {0}; a module gets it by a grant: secrets={0}", "zachowano: {0}; moduł dostanie go przez zgodę: secrets={0}";
    /// `secret rm`.
    SecretRemoved: "removed: {0}", "usunięto: {0}";
    /// `secret rotate`.
    SecretsRotated: "the vault is sealed with a new key", "skarbiec zamknięto nowym kluczem";
    /// Where the key lies.
    KeyFileAt: "the key lies at {0}; keep a copy of it apart from copies of the home", "klucz leży w {0}; trzymaj jego kopię osobno od kopii katalogu domowego";
    /// `secret unlock`.
    VaultUnlocked: "the kernel can open the vault", "jądro może otworzyć skarbiec";
    /// `secret list` without any.
    NoSecrets: "no secrets", "brak sekretów";
    /// A file of the configuration was written.
    ConfigWritten: "written: {0}", "zapisano: {0}";
    /// The question before values are reset.
    ResetQuestion: "forget every value that was set ({0})?", "zapomnieć wszystkie ustawione wartości ({0})?";
    /// The kernel took a change over.
    ConfigTaken: "the running kernel has taken it over", "działające jądro już to przyjęło";
    /// A change waits for the next start.
    ConfigLater: "no kernel runs; it counts from the next start", "żadne jądro nie działa; liczy się od następnego startu";
    /// `why`: the heading of the present.
    WhyNow: "Now", "Teraz";
    /// `why`: the heading of the past.
    WhyPast: "What happened", "Co się stało";
    /// Of `why`: what was refused.
    WhyRefused: "What it was refused, and what would allow it", "Czego mu odmówiono i co by na to pozwoliło";
    /// Of `why`: what can't be known of a life that nobody observed.
    WhyUnseen: "files, programs and system calls that it was refused are seen only in a life that is observed, as its second restart in a row is; to look now:", "pliki, programy i wywołania systemowe, których mu odmówiono, widać tylko w życiu obserwowanym, jakim jest jego drugi restart z rzędu; aby spojrzeć teraz:";
    /// `why`: the heading of the last words.
    WhyWords: "Its last words on stderr", "Ostatnie słowa na stderr";
    /// `why`: the heading of advice.
    WhyNext: "What to do", "Co zrobić";
    /// `why`: nothing is known.
    WhyNothing: "the journal knows nothing of it yet", "dziennik jeszcze nic o nim nie wie";
    /// `why`: nothing has to be done.
    WhyFine: "nothing: it works", "nic: działa";
    /// `why`: nothing is to be done about work that is done.
    WhyDone: "nothing: its work is done", "nic: praca wykonana";
    /// `why`: a state and how long it lasts.
    WhySince: "{0} for {1}", "{0} od {1}";
    /// `why`: when it is tried again.
    WhyAgain: "it is started again in {0}", "ruszy ponownie za {0}";
    /// `why`: what it waits for.
    WhyWaits: "it waits for {0}", "czeka na {0}";
    /// `why`: it moves to the stable zone when it has been well for long enough, and what that lacks.
    WhyProbation: "on probation in the sandbox zone, {0} of {1}: {2}", "okres próbny w strefie sandbox, {0} z {1}: {2}";
    /// `why`: watch it go on.
    DoWatch: "watch it: {0}", "obserwuj: {0}";
    /// `why`: read its logs.
    DoRead: "read what it said: {0}", "przeczytaj, co mówił: {0}";
    /// `why`: act on the last decision.
    DoAct: "then: {0}", "potem: {0}";
    /// `why`: start it.
    DoStart: "start it: {0}", "uruchom: {0}";
    /// `why`: approve it.
    DoApprove: "see what it asks for, then approve it: {0}", "zobacz, o co prosi, i zatwierdź: {0}";
    /// `why`: see what it waits for.
    DoProvider: "see what it waits for: {0}", "zobacz, na co czeka: {0}";
    /// `audit --verify` found nothing wrong.
    AuditSound: "{0} records, all as they were written", "wpisy: {0}, wszystkie takie, jak je zapisano";
    /// `audit --verify`: some were dropped for age.
    AuditDropped: "{0} older ones were dropped for age", "starszych usuniętych z wiekiem: {0}";
    /// `service install`.
    ServiceWritten: "unit written: {0}", "jednostka zapisana: {0}";
    /// `service uninstall`.
    ServiceRemoved: "unit removed: {0}", "jednostka usunięta: {0}";
    /// What to run next.
    RunNext: "run next:", "uruchom teraz:";
    /// `demo`: the first step.
    DemoModules: "Five modules run: four of this very program, one line of shell", "Działa pięć modułów: cztery z tego programu i jedna linia powłoki";
    /// `demo`: about the first step.
    DemoModulesRemark: "worker started only after greeter was ready, because it requires it", "worker ruszył dopiero po greeterze, bo go wymaga";
    /// `demo`: the call.
    DemoCall: "A service is called", "Wywołanie usługi";
    /// `demo`: about the call.
    DemoCallRemark: "the kernel checked the right to call and carried it there and back in {0}", "jądro sprawdziło prawo do wywołania i przeniosło je tam i z powrotem w {0}";
    /// `demo`: the crash.
    DemoCrash: "A module crashes and comes back", "Moduł pada i wraca";
    /// `demo`: about the crash.
    DemoCrashRemark: "back after {0}; every step and its reason is in the journal", "z powrotem po {0}; każdy krok i jego powód jest w dzienniku";
    /// `demo`: the flood.
    DemoFlood: "A module floods the kernel", "Moduł zalewa jądro";
    /// `demo`: what was seen of the flood.
    DemoFloodSeen: "flooder sent {0} messages; meanwhile greeter answered {1} calls, the slowest in {2}", "flooder wysłał wiadomości: {0}; w tym czasie greeter odpowiedział na wywołania ({1}), najwolniej w {2}";
    /// `demo`: about the flood.
    DemoFloodRemark: "queues are bounded, so a flood hurts only who makes it", "kolejki mają granice, więc zalew szkodzi tylko temu, kto go robi";
    /// `demo`: the wish.
    DemoWish: "A module wishes for more than it may", "Moduł prosi o więcej, niż mu wolno";
    /// `demo`: about the wish.
    DemoWishRemark: "nothing was opened before a person said so; `why` tells the story of any module", "nic nie zostało otwarte bez zgody człowieka; `why` opowie historię każdego modułu";
    /// `demo`: what to try.
    DemoTry: "Try it yourself, in another terminal:", "Spróbuj w drugim terminalu:";
    /// `demo`: how it ends.
    DemoStays: "Ctrl-C stops everything and removes the demo's home", "Ctrl-C zatrzyma wszystko i usunie katalog demo";
    /// `module pack`.
    Packed: "{0} {1} is packed in {2} ({3})", "{0} {1} spakowany do {2} ({3})";
    /// `key generate`.
    KeyGenerated: "key {0} is made ({1}…)", "klucz {0} gotowy ({1}…)";
    /// `key rotate`.
    KeyRotated: "key {0} holds the roles now ({1}…)", "role ma teraz klucz {0} ({1}…)";
    /// `key revoke`.
    KeyRevoked: "key {0} holds no role any more ({1}…)", "klucz {0} nie ma już żadnej roli ({1}…)";
    /// `key root`.
    RootWritten: "written to {0}; give it to those who take your packages, by a way that they trust", "zapisano w {0}; daj to odbiorcom paczek drogą, której ufają";
    /// `key trust`.
    MakerTrusted: "packages of {0} are taken from now on", "paczki od {0} są odtąd przyjmowane";
    /// `key distrust`.
    MakerDistrusted: "packages of {0} are taken no longer", "paczki od {0} nie są już przyjmowane";
    /// `key list` without any.
    NoKeys: "no keys and no makers; try `{0} key generate NAME`", "brak kluczy i wytwórców; spróbuj `{0} key generate NAZWA`";
    /// `update apply`: it is on probation.
    UpdateTried: "{0} went from {1} to {2} (pause {3}); it stays unless it is worse within {4}", "{0} przeszedł z {1} na {2} (przerwa {3}); zostanie, jeśli przez {4} nie będzie gorszy";
    /// `update apply`: it asks for more.
    UpdateWaits: "{0} {1} waits for that; next: {2} update go {3} --approve", "{0} {1} czeka na tę zgodę; dalej: {2} update go {3} --approve";
    /// `update apply`: it waits for the next start.
    UpdateStaged: "{0} {1} waits for the next start; or now: {2} update go {3}", "{0} {1} czeka na następny start; albo od razu: {2} update go {3}";
    /// `update rollback` of a version on its way.
    UpdateUndone: "{0} is {1} again, {2} was undone", "{0} to znów {1}, cofnięto {2}";
    /// `update status` without any.
    NoTransactions: "nothing is on its way", "nic nie jest w drodze";
    /// `update list` without any.
    NoVersions: "no versions are kept; try `{0} update apply FILE`", "nie przechowano wersji; spróbuj `{0} update apply PLIK`";
    /// `update pin`.
    UpdatePinned: "kept as {0}", "zachowano jako {0}";
    /// `update unpin`.
    UpdateUnpinned: "{0} is kept no longer", "{0} nie jest już zachowane";
    /// `update gc`.
    UpdateCollected: "removed: {0} chunks, {1} folders of versions", "usunięto: kawałki {0}, foldery wersji {1}";
    /// `new`.
    NewMade: "{0} is in {1}", "{0} jest w {1}";
    /// `import` and `init`: what came of it.
    ImportCounts: "modules: {0}, remarks: {1}, left out: {2}", "moduły: {0}, uwagi: {1}, pominięte: {2}";
    /// `import` and `init` without --write.
    ImportKeep: "keep it with --write; then: ostoja up", "zachowaj przez --write; potem: ostoja up";
    /// `import` and `init` with --write.
    ImportedNext: "look at it, then: ostoja up -f {0}", "obejrzyj, potem: ostoja up -f {0}";
    /// There is no systemd here.
    NoSystemctl: "systemctl is not here; where it is, run:", "nie ma tu systemctl; tam, gdzie jest, uruchom:";
    /// The unit could not be verified.
    NoVerify: "systemd-analyze is not here, so the unit was not verified", "nie ma tu systemd-analyze, więc jednostki nie sprawdzono";
}

impl Phrase {
    /// The sentence with its values.
    pub fn fill(self, lang: Lang, values: &[&str]) -> String {
        filled(self.template(lang), values)
    }
}

/// A template with its places filled in; a place without a value is seen as `?`.
fn filled(template: &str, values: &[&str]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (place, behind) = after.split_once('}').unwrap_or((after, ""));
        let value = place.parse::<usize>().ok().and_then(|place| values.get(place));
        text.push_str(value.copied().unwrap_or("?"));
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests;
