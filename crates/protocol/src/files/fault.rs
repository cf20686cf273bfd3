//! What can be wrong in a user's file, and how it is told.

use std::fmt;

use abi::Explain;

/// 48 characters: how much of a literal is repeated in an error; enough to recognise it, too little to flood a line.
const LITERAL_CHARS_MAX: usize = 48;

/// A place in a text, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Which kind of file an error is about; it is the middle of the error's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Area {
    /// `module.json`
    Manifest,
    /// `ostoja.yaml`
    Project,
    /// `config.yaml` and `config.d`
    Config,
    /// `permissions.yaml`
    Permissions,
    /// A file of another program, which an importer reads
    Import,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The text is not YAML or JSON; the message is the parser's, without its position.
    Syntax(String),
    /// The file is too long.
    TooLarge {
        /// Its length in bytes.
        bytes: usize,
    },
    /// No field has this name.
    UnknownField {
        /// The name found.
        field: String,
        /// The valid name next to it, if one is near.
        nearest: Option<String>,
    },
    /// A field that must be there is not.
    MissingField {
        /// Its name.
        field: &'static str,
    },
    /// A field holds the wrong kind of value.
    WrongKind {
        /// Its name.
        field: String,
        /// What was found: the literal in backticks, shortened, or what it is.
        found: String,
        /// What belongs there, with its article.
        expected: &'static str,
    },
    /// A field holds a word that is none of its words.
    UnknownWord {
        /// Its name.
        field: String,
        /// What was found: the literal in backticks, shortened, or what it is.
        found: String,
        /// The words it takes.
        allowed: Vec<String>,
        /// The nearest of them, if one is near.
        nearest: Option<String>,
    },
    /// A field holds a value that it can't take.
    BadValue {
        /// Its name.
        field: String,
        /// What was found: the literal in backticks, shortened, or what it is.
        found: String,
        /// Why not, as the end of a sentence.
        why: String,
    },
    /// A module that is not there is named.
    UnknownModule {
        /// The field that names it.
        field: String,
        /// The name found, in backticks, shortened.
        found: String,
        /// The nearest module's name, if one is near.
        nearest: Option<String>,
    },
    /// Modules need each other in a circle.
    Cycle {
        /// The circle, its first member again at the end.
        path: Vec<String>,
    },
    /// Two fields that exclude each other.
    Conflict {
        /// The one that stands here.
        field: String,
        /// The other one.
        other: String,
    },
}

/// One complaint about one place in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file, as the caller names it.
    pub file: String,
    /// Where in it.
    pub at: Position,
    /// Which kind of file.
    pub area: Area,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.at, self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => write!(f, "{message}"),
            Self::TooLarge { bytes } => {
                write!(f, "the file has {bytes} bytes, at most {} are read", super::FILE_BYTES_MAX)
            }
            Self::UnknownField { field, .. } => write!(f, "unknown field {}", quoted(field)),
            Self::MissingField { field } => write!(f, "field `{field}` is missing"),
            Self::WrongKind { field, found, expected } => {
                write!(f, "{} is {found}, not {expected}", quoted(field))
            }
            Self::UnknownWord { field, found, allowed, .. } => {
                write!(f, "{} is {found}, not one of {}", quoted(field), allowed.join(", "))
            }
            Self::BadValue { field, found, why } => write!(f, "{} is {found}, which {why}", quoted(field)),
            Self::UnknownModule { field, found, .. } => {
                write!(f, "{} names {found}, which is no module", quoted(field))
            }
            Self::Cycle { path } => write!(f, "modules need each other in a circle: {}", circle(path)),
            Self::Conflict { field, other } => {
                write!(f, "{} can't stand beside {}", quoted(field), quoted(other))
            }
        }
    }
}

impl std::error::Error for FileError {}

impl Explain for FileError {
    fn code(&self) -> &'static str {
        self.fault.code(self.area)
    }

    fn help(&self) -> Option<String> {
        match &self.fault {
            Fault::UnknownField { nearest: Some(word), .. }
            | Fault::UnknownWord { nearest: Some(word), .. }
            | Fault::UnknownModule { nearest: Some(word), .. } => {
                Some(format!("did you mean {}?", quoted(word)))
            }
            Fault::MissingField { field } => Some(format!("add `{field}` here")),
            Fault::Cycle { .. } => Some("take one of the names out of `needs`".to_owned()),
            Fault::Conflict { field, other } => {
                Some(format!("keep either {} or {}", quoted(field), quoted(other)))
            }
            _ => None,
        }
    }
}

/// Writes the table of codes once: the five areas of each fault.
macro_rules! codes {
    ($area:expr, $word:literal) => {
        match $area {
            Area::Manifest => concat!("files::manifest::", $word),
            Area::Project => concat!("files::project::", $word),
            Area::Config => concat!("files::config::", $word),
            Area::Permissions => concat!("files::permissions::", $word),
            Area::Import => concat!("files::import::", $word),
        }
    };
}

impl Fault {
    fn code(&self, area: Area) -> &'static str {
        match self {
            Self::Syntax(_) => codes!(area, "syntax"),
            Self::TooLarge { .. } => codes!(area, "too_large"),
            Self::UnknownField { .. } => codes!(area, "unknown_field"),
            Self::MissingField { .. } => codes!(area, "missing_field"),
            Self::WrongKind { .. } => codes!(area, "wrong_kind"),
            Self::UnknownWord { .. } => codes!(area, "unknown_word"),
            Self::BadValue { .. } => codes!(area, "bad_value"),
            Self::UnknownModule { .. } => codes!(area, "unknown_module"),
            Self::Cycle { .. } => codes!(area, "cycle"),
            Self::Conflict { .. } => codes!(area, "conflict"),
        }
    }
}

/// All complaints about one file, in the order in which they stand in it.
///
/// Invariant: there is at least one. `Display`, code and help are those of the first; show the others one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileErrors(Vec<FileError>);

impl FileErrors {
    /// `value` if nothing is wrong, else all that is, sorted by place.
    ///
    /// # Errors
    /// What is in `errors`.
    ///
    /// # Panics
    /// When there is neither a value nor an error.
    pub fn check<T>(mut errors: Vec<FileError>, value: Option<T>) -> Result<T, Self> {
        errors.sort_by(|a, b| (&a.file, a.at).cmp(&(&b.file, b.at)));
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => {
                assert!(!errors.is_empty(), "a value is only missing when an error says why");
                Err(Self(errors))
            }
        }
    }

    /// The first complaint.
    pub fn first(&self) -> &FileError {
        &self.0[0]
    }

    /// All complaints.
    pub fn iter(&self) -> std::slice::Iter<'_, FileError> {
        self.0.iter()
    }
}

impl From<FileError> for FileErrors {
    fn from(error: FileError) -> Self {
        Self(vec![error])
    }
}

impl<'a> IntoIterator for &'a FileErrors {
    type Item = &'a FileError;
    type IntoIter = std::slice::Iter<'a, FileError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for FileErrors {
    type Item = FileError;
    type IntoIter = std::vec::IntoIter<FileError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first())?;
        match self.0.len() {
            1 => Ok(()),
            count => write!(f, " (and {} more)", count - 1),
        }
    }
}

impl std::error::Error for FileErrors {}

impl Explain for FileErrors {
    fn code(&self) -> &'static str {
        self.first().code()
    }

    fn help(&self) -> Option<String> {
        self.first().help()
    }
}

/// 12 names: a longer circle is shown by its beginning and its end.
const CIRCLE_NAMES_MAX: usize = 12;

fn circle(path: &[String]) -> String {
    let names = |part: &[String]| part.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" → ");
    if path.len() <= CIRCLE_NAMES_MAX {
        return names(path);
    }
    let (begin, end) = path.split_at(CIRCLE_NAMES_MAX - 2);
    let left_out = end.len() - 2;
    format!("{} → … {left_out} more … → {}", names(begin), names(&end[left_out..]))
}

/// A literal as an error shows it: in backticks, on one line, not too long.
pub fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for c in text.chars().take(LITERAL_CHARS_MAX) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(LITERAL_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}
