//! The patterns of the front door, as CloudFront reads them.

/// One pattern of the front door and the function behind it, by its logical id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePattern {
    /// CloudFront's pattern: `*` is any text, slashes too, `?` any one character.
    pub pattern: String,
    /// The function's logical id.
    pub function: String,
}

impl RoutePattern {
    /// Whether a path is led this way, if no pattern before this one takes it.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        matches(&self.pattern, path)
    }
}

/// CloudFront's patterns: `*` stands for any text, `?` for any one character, upper and lower case differ.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.as_bytes(), path.as_bytes());
    // Where to go on if what follows the last star does not fit: behind that star, one character later in the path.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), path.split_first()) {
            (Some((b'*', later)), _) => {
                retry = Some((later, path));
                pattern = later;
            }
            (None, None) => return true,
            (Some((letter, later)), Some((found, rest))) if letter == found || *letter == b'?' => (pattern, path) = (later, rest),
            _ => {
                let Some((behind, (_, rest))) = retry.and_then(|(behind, tried)| Some((behind, tried.split_first()?))) else {
                    return false;
                };
                retry = Some((behind, rest));
                (pattern, path) = (behind, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_crosses_slashes_and_a_question_mark_is_one_character() {
        for (pattern, path, expected) in [
            ("/*/installed", "/tm/installed", true),
            ("/*/installed", "/a/b/installed", true),
            ("/*/installed", "/installed", false),
            ("/*/configuration/*", "/tm/configuration/a/b", true),
            ("/*/configuration/*", "/tm/configuration/", true),
            ("/*/configuration/*", "/tm/configuration", false),
            ("/?/x", "/a/x", true),
            ("/?/x", "//x", false),
            ("*", "", true),
            ("*a*b", "/xaxxbxb", true),
            ("*a*b", "/xaxxbx", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
