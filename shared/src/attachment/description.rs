//! What an uploader says of a file: its name, its type, what it belongs to. None of it is ever used as a path, and all of it is sealed.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::tenant::rights::ProjectId;

/// The longest name that file systems take.
const LONGEST_NAME: usize = 255;

/// The longest media type (RFC 6838, section 4.2: two names of 127 and a slash).
const LONGEST_TYPE: usize = 255;

/// The longest name of an owner, in characters.
const LONGEST_OWNER: usize = 256;

/// What is not known to be anything else.
const ANY_BYTES: &str = "application/octet-stream";

/// What is said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub file_name: String,
    /// Its type, as its uploader says.
    pub media_type: String,
    /// What it belongs to, by a name of the app's choice; empty where it belongs to the app as a whole.
    pub owner: String,
    /// The project whose permissions decide who may see and remove it, by Jira's number.
    pub project: Option<u64>,
}

impl Description {
    /// Checks what an uploader says.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn check(file_name: &str, media_type: Option<&str>, owner: Option<&str>, project: Option<&str>) -> Result<Self, Problem> {
        let media_type = media_type.filter(|media_type| !media_type.trim().is_empty()).unwrap_or(ANY_BYTES).trim();
        let owner = owner.unwrap_or_default();
        let project =
            project.map(|project| project.parse().map_err(|_| Problem::malformed("project", "must be Jira's number of a project")));
        if !is_name(file_name) {
            let rule = "must be 1 to 255 characters, without slashes and control characters";
            return Err(Problem::malformed("name", rule));
        }
        if !is_media_type(media_type) {
            return Err(Problem::malformed("type", "must be a media type like image/png"));
        }
        if owner.chars().count() > LONGEST_OWNER || owner.chars().any(char::is_control) {
            return Err(Problem::malformed("owner", "must be 256 characters at most, none of them a control character"));
        }
        Ok(Self {
            file_name: file_name.to_owned(),
            media_type: media_type.to_owned(),
            owner: owner.to_owned(),
            project: project.transpose()?,
        })
    }

    /// The project, as rights ask for it.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        self.project.map(ProjectId)
    }
}

fn is_name(name: &str) -> bool {
    // What turns the direction of writing makes `exe.png` look like `gnp.exe`.
    let turns = |letter: char| matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}');
    // What shows nothing is no name.
    let empty = |letter: char| {
        letter.is_whitespace() || matches!(letter, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{3164}' | '\u{115F}')
    };
    let plain = name.chars().all(|letter| !letter.is_control() && !matches!(letter, '/' | '\\') && !turns(letter));
    plain && !name.chars().all(empty) && name.chars().count() <= LONGEST_NAME && name != "." && name != ".."
}

/// `type/subtype`, both of RFC 6838's restricted names, and parameters of printable ASCII behind.
fn is_media_type(text: &str) -> bool {
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let restricted = |name: &str| {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'#' | b'$' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+');
        name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && name.bytes().all(allowed) && name.len() <= 127
    };
    // A comma outside quotes would begin a second type where headers are joined.
    let parameters_are_plain = parameters.bytes().all(|byte| byte == b' ' || (byte.is_ascii_graphic() && byte != b','));
    let names = essence.trim_end().split_once('/').is_some_and(|(kind, subtype)| restricted(kind) && restricted(subtype));
    text.len() <= LONGEST_TYPE && names && parameters_are_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, media_type: Option<&str>, owner: Option<&str>, project: Option<&str>) -> String {
        match Description::check(name, media_type, owner, project) {
            Ok(_) => String::new(),
            Err(problem) => problem.reason().0.split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn names_of_all_languages_are_names() {
        for name in ["a", "plan.pdf", "Prüfbericht 2026.xlsx", "測試.png", "a'b\"c;d=e%20.txt", "...", ".env", &"ä".repeat(255)] {
            assert_eq!(field(name, None, None, None), "", "{name}");
        }
    }

    #[test]
    fn a_name_that_could_be_a_path_or_deceive_is_refused() {
        let long = "a".repeat(10_000);
        for name in [
            "",
            " ",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "a\nb",
            "a\0b",
            "a\u{7f}",
            "gnp.\u{202e}exe",
            "\u{2066}x",
            "exe\u{61c}gpj.exe",
            "\u{feff}",
            "\u{3164} ",
            &long,
        ] {
            assert_eq!(field(name, None, None, None), "name", "{name:?}");
        }
    }

    #[test]
    fn a_type_is_a_media_type_or_is_left_out() {
        for media_type in ["image/png", "text/plain; charset=utf-8", "application/vnd.oasis.opendocument.text", "image/svg+xml"] {
            assert_eq!(Description::check("a", Some(media_type), None, None).unwrap().media_type, media_type);
        }
        for none in [None, Some(""), Some(" ")] {
            assert_eq!(Description::check("a", none, None, None).unwrap().media_type, "application/octet-stream");
        }
        for media_type in [
            "png",
            "image/",
            "/png",
            "a/b/c",
            "text/html\r\nx: y",
            "text/<b>",
            "text/ä",
            "text/plain;a, text/html",
            &format!("a/{}", "b".repeat(300)),
        ] {
            assert_eq!(field("a", Some(media_type), None, None), "type", "{media_type}");
        }
    }

    #[test]
    fn an_owner_may_be_anything_short_and_a_project_is_a_number() {
        assert_eq!(field("a", None, Some("case TM-1 / Prüfung"), Some("10000")), "");
        assert_eq!(field("a", None, Some(&"o".repeat(257)), None), "owner");
        assert_eq!(field("a", None, Some("a\u{1}"), None), "owner");
        for project in ["", "TM", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(field("a", None, None, Some(project)), "project", "{project}");
        }
    }
}
