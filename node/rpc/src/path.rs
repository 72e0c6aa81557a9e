//! The paths of a listener.

use althing_types::GroupId;

/// What a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// `/`: the node's default group, and FISCO's methods.
    Default,
    /// `/group/<id>`: that group, and FISCO's methods.
    Group(GroupId),
}

impl Path {
    /// Reads a path; a slash at its end changes nothing.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        if trimmed.is_empty() {
            return Some(Self::Default);
        }
        let digits = trimmed.strip_prefix("/group/")?;
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let id = plain.then(|| digits.parse::<u32>().ok()).flatten()?;
        GroupId::try_from(id).ok().map(Self::Group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_default_group_or_a_group_by_its_id() {
        let group = |id| Some(Path::Group(GroupId::try_from(id).unwrap()));
        for (path, expected) in [
            ("/", Some(Path::Default)),
            ("", Some(Path::Default)),
            ("/group/1", group(1)),
            ("/group/2/", group(2)),
            ("/group/0", None),
            ("/group/+1", None),
            ("/group/", None),
            ("/group/32768", None),
            ("/group/1/x", None),
            ("/metrics", None),
        ] {
            assert_eq!(Path::parse(path), expected, "{path}");
        }
    }
}
