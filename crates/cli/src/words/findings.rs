//! What checks find, in Polish. A finding is made in English, which JSON and logs carry; here its sentence is known
//! again by its shape and said anew. What is not known stays English: names of programs, versions, the system's words.

use std::borrow::Cow;

use crate::lang::Lang;

/// A sentence with places `{0}`, `{1}`, … for what differs, and the same in Polish.
const SENTENCES: [(&str, &str); 73] = [
    // Areas and things.
    ("containment", "izolacja"),
    ("runtime", "środowiska"),
    ("home", "dom"),
    ("system", "system"),
    ("kernel", "jądro"),
    ("config", "konfiguracja"),
    ("module", "moduł"),
    ("folder", "katalog"),
    ("disk", "dysk"),
    ("journal", "dziennik"),
    ("open files", "otwarte pliki"),
    ("bounds", "limity"),
    ("pressure", "nacisk"),
    ("process", "proces"),
    ("version", "wersja"),
    ("trouble", "kłopot"),
    ("modules", "moduły"),
    // What was seen.
    ("tried: holds", "sprawdzone: trzyma"),
    ("not built yet", "jeszcze nie ma"),
    ("not probed", "nie sprawdzono"),
    ("programs of the system's folders can all be run", "można uruchomić każdy program z katalogów systemu"),
    ("files can be cut short: {0}", "pliki można przyciąć: {0}"),
    ("the forbidden act succeeds", "zabroniona czynność się udaje"),
    (
        "no Landlock: it is not turned on, or Linux is older than {0}",
        "nie ma Landlock: nie jest włączony albo Linux jest starszy niż {0}",
    ),
    ("Landlock ABI is {0}, this needs {1} (Linux {2})", "Landlock ma ABI {0}, a trzeba {1} (Linux {2})"),
    ("no new root: {0}", "nie ma nowego korzenia: {0}"),
    ("no user namespace is given: {0}", "system nie daje przestrzeni użytkowników: {0}"),
    ("{0} is not there yet", "{0} jeszcze nie ma"),
    ("{0} is no folder", "{0} nie jest katalogiem"),
    ("{0} belongs to user {1}", "{0} należy do użytkownika {1}"),
    ("{0} can be written by others (mode {1})", "w {0} mogą pisać inni (tryb {1})"),
    ("{0} can't be written: {1}", "w {0} nie można pisać: {1}"),
    ("{0} MiB free", "{0} MiB wolne"),
    ("can't be measured: {0}", "nie da się zmierzyć: {0}"),
    (
        "{0} records, all as they were written; {1} older ones were dropped for age",
        "wpisy: {0}, wszystkie takie, jak je zapisano; starszych usunięto: {1}",
    ),
    ("{0} records, all as they were written", "wpisy: {0}, wszystkie takie, jak je zapisano"),
    ("broken at record {0}: {1}", "przerwany przy wpisie {0}: {1}"),
    ("{0} at once", "naraz: {0}"),
    ("not on PATH", "nie ma na PATH"),
    ("does not run: {0}", "nie działa: {0}"),
    ("no kernel runs on this home", "na tym domu nie działa żadne jądro"),
    ("it is there and does not answer", "jest i nie odpowiada"),
    ("version {0}, pid {1}, up {2}", "wersja {0}, pid {1}, działa {2}"),
    ("the kernel is version {0}, this command {1}", "jądro ma wersję {0}, to polecenie {1}"),
    ("{0} crashed or restarting", "padło albo wraca: {0}"),
    // The conversation of `module check --talk`.
    ("conversation", "rozmowa"),
    ("handshake", "powitanie"),
    ("unknown method", "nieznana metoda"),
    ("unknown frame", "nieznana ramka"),
    ("config change", "zmiana konfiguracji"),
    ("long line", "długa linia"),
    ("kernel gone", "koniec jądra"),
    ("second start", "drugi start"),
    ("state saved", "stan oddany"),
    ("state restored", "stan przejęty"),
    ("`init` was answered with `ready`", "na `init` odpowiedział `ready`"),
    ("is answered with an error", "odpowiedzią jest błąd"),
    ("it leaves with 0 in its grace", "kończy z kodem 0 w swoim czasie"),
    ("it leaves with 0 when its stdin ends", "kończy z kodem 0, gdy kończy się stdin"),
    ("its state was handed over", "oddał swój stan"),
    ("the state of the life before was taken over", "przejął stan poprzedniego życia"),
    ("lines on stdout that are no frames: {0}", "linie na stdout, które nie są ramkami: {0}"),
    // What to do.
    (
        "start it where the root can be changed: not from an initramfs (switch_root), nor where /proc is covered",
        "uruchom tam, gdzie da się zmienić korzeń: nie z initramfs (switch_root) i nie tam, gdzie /proc jest przesłonięty",
    ),
    (
        "a newer Linux, with lsm=landlock among its boot parameters",
        "nowszy Linux, z lsm=landlock w parametrach startu",
    ),
    ("run as a service: {0} (it delegates a cgroup)", "uruchom jako usługę: {0} (deleguje cgroup)"),
    ("not in this version", "nie w tej wersji"),
    ("rlimits and sampling", "rlimity i próbkowanie"),
    ("the system tells it", "system go podaje"),
    ("the system does not tell it", "system go nie podaje"),
    ("use --home with a folder of yours", "użyj --home z własnym katalogiem"),
    ("make room; logs need it", "zrób miejsce; potrzebują go logi"),
    (
        "the kernel sets a broken journal aside at its next start",
        "jądro odłoży zepsuty dziennik przy następnym starcie",
    ),
    ("a POSIX shell at /bin/sh", "powłoka POSIX pod /bin/sh"),
];

/// The sentence in this language, if it is known; as it is otherwise.
pub fn finding(lang: Lang, text: &str) -> Cow<'_, str> {
    let known = match lang {
        Lang::En => None,
        Lang::Pl => SENTENCES.iter().find_map(|(english, polish)| Some((values(english, text)?, polish))),
    };
    match known {
        Some((values, polish)) => Cow::Owned(super::filled(polish, &values)),
        None => Cow::Borrowed(text),
    }
}

/// What stands at the places of a sentence, if the text has its shape. Places are numbered in the order of the English.
fn values<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = template.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part is at the very end, so that a value may hold the same words.
        let at = if parts.peek().is_none() {
            rest.len()
                .checked_sub(part.len())
                .filter(|at| rest.is_char_boundary(*at) && rest[*at..] == *part)?
        } else {
            rest.find(part)?
        };
        values.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests;
