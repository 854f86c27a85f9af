//! Which revision of the program runs, and who runs it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The commit of the git checkout that `folder` lies in.
pub(super) fn commit(folder: &Path) -> Option<String> {
    let git = folder.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    // In a worktree `.git` is a file that says where the real one is.
    let git = match fs::read_to_string(&git) {
        Ok(text) => git.parent()?.join(text.strip_prefix("gitdir:")?.trim()),
        Err(_) => git,
    };
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return Some(head.trim().to_owned());
    };
    let common = fs::read_to_string(git.join("commondir"));
    let git = common.map_or_else(|_| git.clone(), |common| git.join(common.trim()));
    if let Ok(commit) = fs::read_to_string(git.join(name)) {
        return Some(commit.trim().to_owned());
    }
    let packed = fs::read_to_string(git.join("packed-refs")).ok()?;
    let line = packed.lines().find(|line| line.ends_with(name))?;
    line.split_once(' ').map(|(commit, _)| commit.to_owned())
}

/// `user@host`.
pub(super) fn by() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let file = |path: &str| {
        let text = fs::read_to_string(PathBuf::from(path)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let user = variable("USER").or_else(|| variable("LOGNAME")).or_else(|| variable("USERNAME"));
    let user = user.or_else(|| user_of(&file("/proc/self/status")?, &file("/etc/passwd")?));
    let host = file("/proc/sys/kernel/hostname")
        .or_else(|| file("/etc/hostname"))
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"));
    let or = |text: Option<String>, otherwise: &str| text.unwrap_or_else(|| otherwise.to_owned());
    format!("{}@{}", or(user, "somebody"), or(host, "unknown"))
}

/// Whose process this is, by name if it has one: cron and containers set no variable.
fn user_of(status: &str, passwd: &str) -> Option<String> {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let id = ids.split_whitespace().next()?;
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    Some(name.unwrap_or_else(|| format!("uid {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_variables_has_a_user() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nci:x:1001:1001::/:/bin/sh";
        let user = |id: &str| user_of(&format!("Name:\tx\nUid:\t{id}\t{id}\t{id}\t{id}"), passwd);
        assert_eq!(user("0").as_deref(), Some("root"));
        assert_eq!(user("1001").as_deref(), Some("ci"));
        assert_eq!(user("7").as_deref(), Some("uid 7"));
    }

    #[test]
    fn a_checkout_is_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        fs::create_dir_all(git.join("refs/heads")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        assert_eq!(commit(&inner), None);
        fs::write(git.join("packed-refs"), "# pack\nabc refs/heads/main\n").unwrap();
        assert_eq!(commit(&inner).as_deref(), Some("abc"));
        fs::write(git.join("refs/heads/main"), "def\n").unwrap();
        assert_eq!(commit(&inner).as_deref(), Some("def"));
    }
}
