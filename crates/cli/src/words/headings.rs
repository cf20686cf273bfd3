//! The headings of tables and the names before values, English and Polish side by side. English is the key, because it
//! is also what stands in the sources and in the documentation.

use crate::lang::Lang;

/// Every heading and name that is shown.
const HEADINGS: [(&str, &str); 93] = [
    // Tables.
    ("NAME", "NAZWA"),
    ("STATE", "STAN"),
    ("PID", "PID"),
    ("UP", "DZIAŁA"),
    ("RESTARTS", "RESTARTY"),
    ("CPU", "CPU"),
    ("MEM", "PAM"),
    ("NOTE", "UWAGA"),
    ("RUNTIME", "ŚRODOWISKO"),
    ("VERSION", "WERSJA"),
    ("LIFE", "ŻYCIE"),
    ("IN", "WE"),
    ("OUT", "WY"),
    ("DROPPED", "STRACONE"),
    ("ZONE", "STREFA"),
    ("HELD", "TRZYMANY"),
    ("CONTAINMENT", "IZOLACJA"),
    ("PROVIDES", "OFERUJE"),
    ("CPU%", "CPU%"),
    ("TIME", "CZAS"),
    ("FRAMES", "RAMKI"),
    ("TRANSPORT", "TRANSPORT"),
    ("PER S", "NA S"),
    ("SEQ", "NR"),
    ("CODE", "KOD"),
    ("MODULE", "MODUŁ"),
    ("FACTS", "FAKTY"),
    ("STANDING", "STATUS"),
    ("WHAT", "CO"),
    ("REQUEST", "PROŚBA"),
    ("WISHES", "PROSI O"),
    ("BECAUSE", "POWÓD"),
    ("KEY", "KLUCZ"),
    ("VALUE", "WARTOŚĆ"),
    ("ORIGIN", "SKĄD"),
    ("SCOPE", "ZAKRES"),
    ("BYTES", "BAJTY"),
    ("ENDS IN", "KONIEC ZA"),
    ("SECRET", "SEKRET"),
    ("SET BEFORE", "USTAWIONO PRZED"),
    ("ACTOR", "AKTOR"),
    ("WHERE", "GDZIE"),
    ("QUEUE", "KOLEJKA"),
    ("HANDLED", "OBSŁUŻONE"),
    ("REFUSED", "ODRZUCONE"),
    ("OWNER", "CZYJA"),
    ("FORM", "POSTAĆ"),
    ("IMPORTS", "IMPORTY"),
    ("CONTENT", "TREŚĆ"),
    ("MAY", "MOŻE"),
    ("FUNCTIONS", "FUNKCJE"),
    ("WARM", "CIEPŁE"),
    ("DISK", "DYSK"),
    ("RUNS", "BIEGI"),
    ("FAILED", "NIEUDANE"),
    ("COMPILED", "KOMPILACJE"),
    ("READ", "Z DYSKU"),
    // Names before values.
    ("module", "moduł"),
    ("state", "stan"),
    ("note", "uwaga"),
    ("pid", "pid"),
    ("up", "działa"),
    ("restarts", "restarty"),
    ("runtime", "środowisko"),
    ("version", "wersja"),
    ("command", "polecenie"),
    ("folder", "katalog"),
    ("provides", "oferuje"),
    ("requires", "wymaga"),
    ("needs", "potrzebuje"),
    ("may call", "może wołać"),
    ("topics", "tematy"),
    ("config key", "klucz"),
    ("asks for", "prosi o"),
    ("may touch", "ma dostęp"),
    ("manifest", "manifest"),
    ("zone", "strefa"),
    ("limits", "limity"),
    ("held", "trzymany"),
    ("bounds", "granice"),
    ("safe mode", "tryb awar."),
    ("contained", "izolacja"),
    ("frames", "ramki"),
    ("stderr", "stderr"),
    ("kernel", "jądro"),
    ("home", "dom"),
    ("project", "projekt"),
    ("modules", "moduły"),
    ("watchdog", "strażnik"),
    ("journal", "dziennik"),
    ("memory", "pamięć"),
    ("cpu", "cpu"),
    ("trouble", "kłopot"),
];

/// The heading in this language; as it is where there is no other.
pub fn heading(lang: Lang, english: &'static str) -> &'static str {
    match lang {
        Lang::En => english,
        Lang::Pl => polish(english).unwrap_or(english),
    }
}

fn polish(english: &str) -> Option<&'static str> {
    HEADINGS.iter().find(|(known, _)| *known == english).map(|(_, polish)| *polish)
}

#[cfg(test)]
mod tests;
