//! What a service runs: its entrypoint and its command, with compose's own variables.

use protocol::files::node::{Kind, Node};

use super::environment::pieces;
use crate::draft::{Module, Program};
use crate::fields::Complaints;
use crate::words::{self, Escapes, Piece};

/// The command, if the file says one.
pub(super) fn program(
    complaints: &mut Complaints,
    entrypoint: Option<&Node>,
    command: Option<&Node>,
    module: &mut Module,
) -> Option<Program> {
    let mut all = match entrypoint {
        Some(node) => words_of(complaints, "entrypoint", node)?,
        None => Vec::new(),
    };
    if let Some(node) = command {
        all.extend(words_of(complaints, "command", node)?);
    }
    if all.is_empty() {
        return None;
    }
    let mut has_variable = false;
    for piece in all.iter().flatten() {
        if let Piece::Variable { name, .. } = piece {
            has_variable = true;
            module.pass_env(name);
        }
    }
    if has_variable {
        return Some(words::shell(&all));
    }
    let text = |word: &Vec<Piece>| word.iter().map(Piece::text).collect::<String>();
    Some(words::program(all.iter().map(text).collect()))
}

/// Why a service without a command is no module.
pub(super) fn why_none(image: Option<&str>, build: Option<&Node>) -> String {
    match (image, build) {
        (_, Some(_)) => {
            "its command stands in its Dockerfile (CMD or ENTRYPOINT); write it as `run:` of a module"
                .to_owned()
        }
        (Some(image), None) => format!(
            "it is what image `{image}` runs; install the program and write its command as `run:` of a module"
        ),
        (None, None) => "it names no command".to_owned(),
    }
}

fn words_of(complaints: &mut Complaints, field: &str, node: &Node) -> Option<Vec<Vec<Piece>>> {
    if let Kind::List(_) = node.kind {
        let words = complaints.texts(field, node);
        return Some(words.iter().map(|word| pieces(word)).collect());
    }
    let text = complaints.text(field, node)?;
    match split(&pieces(&text)) {
        Ok(words) => Some(words),
        Err((why, _)) => {
            complaints.bad_value(field, node, format!("is no command: {why}"));
            None
        }
    }
}

/// First of the characters that stand for variables while the text is split; no honest file holds one.
const STAND_IN: u32 = 0xf0000;

/// Splits a text with variables: compose fills them in first, so none of them is split itself.
fn split(pieces: &[Piece]) -> Result<Vec<Vec<Piece>>, (&'static str, usize)> {
    let mut variables: Vec<&Piece> = Vec::new();
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.extend(part.chars().filter(|c| !is_stand_in(*c))),
            Piece::Variable { .. } => {
                let number = u32::try_from(variables.len()).unwrap_or(u32::MAX).min(STAND_INS_MAX);
                text.extend(char::from_u32(STAND_IN + number));
                variables.push(piece);
            }
        }
    }
    let words = words::split(&text, Escapes::Shell)?;
    Ok(words.iter().map(|word| filled(word, &variables)).collect())
}

/// 60,000: as many characters as the plane of stand-ins surely has.
const STAND_INS_MAX: u32 = 60_000;

fn is_stand_in(c: char) -> bool {
    (STAND_IN..=STAND_IN + STAND_INS_MAX).contains(&u32::from(c))
}

fn filled(word: &str, variables: &[&Piece]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    for c in word.chars() {
        let number = u32::from(c).checked_sub(STAND_IN).filter(|_| is_stand_in(c));
        match number.and_then(|number| variables.get(number as usize)) {
            Some(variable) => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push((*variable).clone());
            }
            None => text.push(c),
        }
    }
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}
