//! The topology files that `-f` names.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use control_api::v1;

use crate::failure::Failure;

/// Which files, and whether they are everything.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// A topology file; a directory stands for its *.yaml and *.yml, - for
    /// standard input. May be given several times
    #[arg(
        short = 'f',
        long = "file",
        value_name = "FILE",
        required = true,
        num_args = 1..
    )]
    files: Vec<PathBuf>,
    /// Remove networks that none of the files draws
    #[arg(long)]
    prune: bool,
}

impl Files {
    /// Remove networks that none of the files draws?
    pub(crate) fn prune(&self) -> bool {
        self.prune
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// [`Failure::File`] names the one that cannot be read, or is named twice.
    pub(crate) fn read(&self) -> Result<Arc<[TopologyFile]>, Failure> {
        let mut read: Vec<TopologyFile> = Vec::new();
        for path in self.listed()? {
            let file = TopologyFile::read(&path)?;
            if read.iter().any(|before| before.name == file.name) {
                let name = &file.name;
                let words = format!("{name} is named twice; name each file once");
                return Err(Failure::File(words));
            }
            read.push(file);
        }
        Ok(read.into())
    }

    fn listed(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut listed = Vec::new();
        for path in &self.files {
            if !is_standard_input(path) && path.is_dir() {
                listed.extend(in_directory(path)?);
            } else {
                listed.push(path.clone());
            }
        }
        Ok(listed)
    }
}

/// The topology files of a directory, sorted by name.
fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_yaml = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
    };
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(directory, &error))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths.filter(is_yaml).collect();
    if files.is_empty() {
        let words = format!(
            "there is no *.yaml or *.yml in {}; name a directory with topology files",
            directory.display()
        );
        return Err(Failure::File(words));
    }
    files.sort();
    Ok(files)
}

/// A file's name, as the user gave it, and its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TopologyFile {
    name: String,
    text: String,
}

impl TopologyFile {
    fn read(path: &Path) -> Result<Self, Failure> {
        if is_standard_input(path) {
            let mut text = String::new();
            let read = io::stdin().lock().read_to_string(&mut text);
            let name = "<stdin>".to_owned();
            read.map_err(|error| unreadable(Path::new(&name), &error))?;
            return Ok(Self { name, text });
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let name = path.display().to_string();
        Ok(Self { name, text })
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    Failure::File(format!("cannot read {path}: {error}; name a YAML file"))
}

/// The files in pieces, as the daemon takes them. Each has one at least, so
/// that the daemon knows of an empty file too.
pub(crate) fn pieces(files: Arc<[TopologyFile]>) -> impl Iterator<Item = v1::FilePiece> {
    let (mut file, mut offset) = (0, 0);
    core::iter::from_fn(move || {
        let TopologyFile { name, text } = files.get(file)?;
        let end = text.floor_char_boundary(offset + PIECE_BYTES);
        let piece = v1::FilePiece {
            name: name.clone(),
            text: text.get(offset..end)?.to_owned(),
        };
        (file, offset) = if end == text.len() {
            (file + 1, 0)
        } else {
            (file, end)
        };
        Some(piece)
    })
}

/// What the protocol allows.
const PIECE_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&Path]) -> Files {
        Files {
            files: paths.iter().map(|path| path.to_path_buf()).collect(),
            prune: false,
        }
    }

    #[test]
    fn pieces_put_together_are_the_files() {
        let long = "é".repeat(PIECE_BYTES) + "x";
        let file = |name: &str, text: &str| TopologyFile {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let all = [file("a", "one"), file("b", ""), file("c", &long)];
        let mut together: Vec<TopologyFile> = Vec::new();
        for piece in pieces(Arc::new(all) as Arc<[_]>) {
            assert!(piece.text.len() <= PIECE_BYTES);
            match together.last_mut() {
                Some(last) if last.name == piece.name => last.text += &piece.text,
                _ => together.push(file(&piece.name, &piece.text)),
            }
        }
        assert_eq!(
            together,
            [file("a", "one"), file("b", ""), file("c", &long)]
        );
    }

    #[test]
    fn a_directory_stands_for_its_yaml_files_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path();
        for name in ["b.yaml", "a.yml", "notes.txt", "c.yaml.old"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let read = files(&[folder]).read().unwrap();
        let texts: Vec<&str> = read.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["a.yml", "b.yaml"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let empty = files(&[directory.path()]).read().unwrap_err().to_string();
        assert!(empty.contains("there is no *.yaml"), "{empty}");
        let file = directory.path().join("z.yaml");
        let missing = files(&[&file]).read().unwrap_err().to_string();
        assert!(missing.contains("cannot read"), "{missing}");
        fs::write(&file, "").unwrap();
        let twice = files(&[&file, directory.path()]).read().unwrap_err();
        assert!(twice.to_string().contains("named twice"), "{twice}");
    }
}
