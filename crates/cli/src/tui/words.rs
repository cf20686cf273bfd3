//! What the screen says, in both languages.

use crate::lang::Lang;

/// Writes the table once: the variants and their texts.
macro_rules! words {
    ($($name:ident: $english:literal, $polish:literal;)+) => {
        /// A text; `{0}` is a place for a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Word {
            $($name,)+
        }

        impl Word {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)+];

            /// The text in this language.
            pub(super) fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::En) => $english, (Self::$name, Lang::Pl) => $polish,)+
                }
            }
        }
    };
}

words! {
    Name: "NAME", "NAZWA";
    State: "STATE", "STAN";
    Cpu: "CPU", "CPU";
    Memory: "MEM", "PAMIĘĆ";
    Rate: "MSG/s", "WIAD/s";
    Restarts: "RST", "RST";
    Minute: "CPU, 1 min", "CPU, 1 min";
    Modules: "modules", "moduły";
    Ready: "ready", "gotowe";
    Logs: "log", "dziennik";
    Describe: "module", "moduł";
    Approvals: "approvals", "zgody";
    Zones: "zones", "strefy";
    Help: "help", "pomoc";
    ReadOnly: "read-only", "tylko odczyt";
    ReadOnlyHere: "the role here may not do this", "ta rola na to nie pozwala";
    KernelGone: "the kernel does not answer; waiting for it", "jądro nie odpowiada; czekam na nie";
    Nothing: "nothing here", "nic tu nie ma";
    NothingMatches: "nothing matches the filter", "nic nie pasuje do filtra";
    NothingWaits: "nothing waits for a decision", "nic nie czeka na decyzję";
    Follows: "follows", "na bieżąco";
    Back: "{0} lines back", "{0} wierszy wstecz";
    Wishes: "WISHES FOR", "PROSI O";
    Has: "HAS", "MA";
    Reason: "its reason: {0}", "powód: {0}";
    FirstApproval: "its first approval", "pierwsza zgoda";
    AskStart: "start {0}?", "uruchomić {0}?";
    AskStop: "stop {0}?", "zatrzymać {0}?";
    AskRestart: "restart {0}?", "uruchomić {0} ponownie?";
    AskGrant: "grant this to {0}?", "przyznać to modułowi {0}?";
    AskDeny: "deny this to {0}?", "odmówić tego modułowi {0}?";
    UnderWay: "under way", "w toku";
    Done: "done", "zrobione";
    NothingChanged: "nothing was changed", "nic nie zmieniono";
    UnknownCommand: "there is no command `{0}`; ? helps", "nie ma polecenia `{0}`; ? pomaga";
    UnknownModule: "there is no module `{0}`", "nie ma modułu `{0}`";
    Permissions: "permissions", "uprawnienia";
    Limits: "limits", "ograniczenia";
    Containment: "containment", "odosobnienie";
    Command: "command", "polecenie";
    HintModules: "? help  / filter  : command  d describe  l log  r restart  q quit", "? pomoc  / filtr  : polecenie  d opis  l dziennik  r restart  q wyjście";
    HintLogs: "Esc back  f follow  / search  n N next", "Esc wstecz  f na bieżąco  / szukaj  n N dalej";
    HintApprovals: "Esc back  y grant  n deny", "Esc wstecz  y przyznaj  n odmów";
    HintOthers: "Esc back  j k scroll", "Esc wstecz  j k przewijanie";
}

/// The page of keys, a line each.
pub(super) fn help(lang: Lang) -> &'static [(&'static str, &'static str)] {
    match lang {
        Lang::En => &[
            ("arrows, j k", "move; g G first and last"),
            ("Enter, d", "describe a module: why, permissions, limits"),
            ("l", "its log; f follows, / searches, n N go on"),
            ("s x r", "start, stop, restart, after a question"),
            ("a", "wishes that wait: y grants, n denies"),
            ("z", "zones"),
            ("/", "filter by name or state; Esc clears it"),
            (":", "modules, logs M, describe M, approvals, zones,"),
            ("", "start M, stop M, restart M, help, quit"),
            ("Esc, q, h", "back; q in the table ends"),
        ],
        Lang::Pl => &[
            ("strzałki, j k", "ruch; g G początek i koniec"),
            ("Enter, d", "opis modułu: dlaczego, uprawnienia, ograniczenia"),
            ("l", "jego dziennik; f na bieżąco, / szuka, n N dalej"),
            ("s x r", "uruchom, zatrzymaj, restart, po pytaniu"),
            ("a", "prośby, które czekają: y przyznaje, n odmawia"),
            ("z", "strefy"),
            ("/", "filtr po nazwie lub stanie; Esc go usuwa"),
            (":", "modules, logs M, describe M, approvals, zones,"),
            ("", "start M, stop M, restart M, help, quit"),
            ("Esc, q, h", "wstecz; q w tabeli kończy"),
        ],
    }
}
