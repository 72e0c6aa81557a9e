//! A configuration folder as Kubernetes mounts projected volumes: every name is a link into `..data`, which is a link to a
//! folder of this version of the files and is swapped in one step; the old version is then removed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::folder::Folder;

/// The mounted folder, and beside it the one for data.
pub(crate) struct Mount {
    root: tempfile::TempDir,
    version: u32,
    pub(crate) files: BTreeMap<String, String>,
}

impl Mount {
    /// The files of a node's folder, flat, with data elsewhere and the log on the console as JSON.
    pub(crate) fn of(folder: &Folder) -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let mut files = BTreeMap::new();
        for name in super::running::names_in(&folder.file("conf")) {
            let text = fs::read_to_string(folder.file(&format!("conf/{name}"))).unwrap();
            files.insert(name, text);
        }
        let config = fs::read_to_string(folder.file("config.ini")).unwrap();
        let config = config
            .replace("group_config_path=conf/", "group_config_path=./")
            .replace("group_data_path=data/", &format!("group_data_path={}/", data.display()))
            .replace("data_path=conf/", "data_path=./")
            .replace("level=info", "level=info\nformat=json");
        files.insert("config.ini".to_owned(), config);
        fs::create_dir(root.path().join("etc")).unwrap();
        let mut mount = Self {
            root,
            version: 0,
            files,
        };
        mount.publish();
        mount
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("etc")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder().join("config.ini")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Swaps the files in, all at once.
    pub(crate) fn publish(&mut self) {
        self.version += 1;
        let (folder, name) = (self.folder(), format!("..2026_01_01_{}", self.version));
        fs::create_dir(folder.join(&name)).unwrap();
        for (file, text) in &self.files {
            let path = folder.join(&name).join(file);
            fs::write(&path, text).unwrap();
            let mode = if file.ends_with("node.key") { 0o440 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink(&name, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        for file in self
            .files
            .keys()
            .filter(|file| folder.join(file).symlink_metadata().is_err())
        {
            symlink(Path::new("..data").join(file), folder.join(file)).unwrap();
        }
        for name in super::running::names_in(&folder) {
            if !name.starts_with("..") && !self.files.contains_key(&name) {
                fs::remove_file(folder.join(name)).unwrap();
            }
        }
        let old = folder.join(format!("..2026_01_01_{}", self.version - 1));
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
}
