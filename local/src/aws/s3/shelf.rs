//! One bucket: its objects and uploads in memory, and the same on disk as records. Every change is on disk before it is seen.
//!
//! A record is written under another name and then renamed, so that a crash of the process leaves the old one or the new one. There is no
//! `fsync`: what the machine loses with its power is lost. In the bucket's folder: `bucket.json`, `versions/`, `uploads/` and `blobs/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::blob::Piece;
use super::bucket::BucketSpec;
use super::checksum::hex;
use super::record::{NULL, Part, Upload, Version};

/// The file that makes a folder a bucket.
const SPEC: &str = "bucket.json";

/// The record of an upload, beside those of its parts.
const UPLOAD: &str = "upload.json";

/// One bucket.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    pub(super) spec: BucketSpec,
    /// By key, oldest version first. No key is without a version.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    /// By key and upload id. Ids grow, so the uploads of a key are in the order of their beginnings.
    pub(super) uploads: BTreeMap<(String, String), Upload>,
}

impl Shelf {
    /// A new bucket, or new settings for one that is there.
    pub(super) fn make(folder: &Path, spec: &BucketSpec) -> io::Result<()> {
        for part in ["versions", "uploads", "blobs"] {
            fs::create_dir_all(folder.join(part))?;
        }
        write(&folder.join(SPEC), spec)
    }

    /// The bucket in this folder; none if it holds something else. What a crash left half done is cleared away.
    pub(super) fn open(folder: &Path) -> io::Result<Option<Self>> {
        if !folder.join(SPEC).is_file() {
            return Ok(None);
        }
        let mut shelf =
            Self { folder: folder.to_owned(), spec: read(&folder.join(SPEC))?, objects: BTreeMap::new(), uploads: BTreeMap::new() };
        let mut finished = BTreeSet::new();
        for path in records(&folder.join("versions"))? {
            let mut version: Version = read(&path)?;
            if let Some(content) = &mut version.content {
                content.pieces.iter_mut().for_each(|piece| piece.settle(&folder.join("blobs")));
                finished.extend(content.upload.clone());
            }
            shelf.objects.entry(version.key.clone()).or_default().push(version);
        }
        shelf.objects.values_mut().for_each(|versions| versions.sort_by_key(|version| version.sequence));
        for path in entries(&folder.join("uploads"))? {
            // An upload without its record was being made or removed; one that is an object was finished, but for this.
            let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if finished.contains(&id) || !path.join(UPLOAD).is_file() {
                fs::remove_dir_all(path)?;
            } else {
                let upload = open_upload(&path, &folder.join("blobs"))?;
                shelf.uploads.insert((upload.key.clone(), id), upload);
            }
        }
        shelf.unnamed_blobs()?.into_iter().try_for_each(fs::remove_file)?;
        Ok(Some(shelf))
    }

    /// The blobs that no record names.
    pub(super) fn unnamed_blobs(&self) -> io::Result<Vec<PathBuf>> {
        let of_objects = self.objects.values().flatten().flat_map(Version::pieces);
        let of_parts = self.uploads.values().flat_map(|upload| upload.parts.values()).map(|part| &part.piece);
        let named: BTreeSet<&str> = of_objects.chain(of_parts).map(|piece| piece.name.as_str()).collect();
        let is_named = |path: &PathBuf| path.file_name().is_some_and(|name| named.contains(name.to_string_lossy().as_ref()));
        Ok(entries(&self.blobs())?.into_iter().filter(|path| !is_named(path)).collect())
    }

    /// Where bytes go.
    pub(super) fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }

    /// The newest version of a key, which may be a delete marker.
    pub(super) fn newest(&self, key: &str) -> Option<&Version> {
        self.objects.get(key)?.last()
    }

    /// The object that a key names without a version id.
    pub(super) fn current(&self, key: &str) -> Option<&Version> {
        self.newest(key).filter(|version| !version.is_marker())
    }

    /// The greatest sequence of any version.
    pub(super) fn last_sequence(&self) -> u64 {
        self.objects.values().flatten().map(|version| version.sequence).max().unwrap_or(0)
    }

    /// Adds a version; one of the same id is replaced.
    pub(super) fn put(&mut self, version: Version) -> io::Result<()> {
        write(&self.version_path(&version), &version)?;
        version.pieces().iter().for_each(Piece::keep);
        let versions = self.objects.entry(version.key.clone()).or_default();
        if let Some(at) = versions.iter().position(|one| one.id == version.id) {
            versions.remove(at).pieces().iter().for_each(Piece::discard);
        }
        versions.push(version);
        Ok(())
    }

    /// Removes a version for good; nothing happens if it is not there.
    pub(super) fn remove(&mut self, key: &str, id: &str) -> io::Result<Option<Version>> {
        let Some(at) = self.objects.get(key).and_then(|versions| versions.iter().position(|one| one.id == id)) else { return Ok(None) };
        let Some(version) = self.objects.get(key).and_then(|versions| versions.get(at)) else { return Ok(None) };
        fs::remove_file(self.version_path(version))?;
        let Some(versions) = self.objects.get_mut(key) else { return Ok(None) };
        let version = versions.remove(at);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        version.pieces().iter().for_each(Piece::discard);
        Ok(Some(version))
    }

    pub(super) fn begin(&mut self, upload: Upload) -> io::Result<()> {
        let folder = self.upload_folder(&upload.id);
        fs::create_dir_all(&folder)?;
        write(&folder.join(UPLOAD), &upload)?;
        self.uploads.insert((upload.key.clone(), upload.id.clone()), upload);
        Ok(())
    }

    pub(super) fn upload(&self, key: &str, id: &str) -> Option<&Upload> {
        self.uploads.get(&(key.to_owned(), id.to_owned()))
    }

    /// Adds a part to an upload that is there; one of the same number is replaced.
    pub(super) fn add_part(&mut self, key: &str, id: &str, part: Part) -> io::Result<()> {
        let path = self.upload_folder(id).join(format!("{}.json", part.number));
        let Some(upload) = self.uploads.get_mut(&(key.to_owned(), id.to_owned())) else { return Err(io::ErrorKind::NotFound.into()) };
        write(&path, &part)?;
        part.piece.keep();
        if let Some(old) = upload.parts.insert(part.number, part) {
            old.piece.discard();
        }
        Ok(())
    }

    /// Forgets an upload. The bytes of its parts go with it, but for those that `but` names.
    pub(super) fn end(&mut self, key: &str, id: &str, but: &BTreeSet<String>) -> io::Result<()> {
        let folder = self.upload_folder(id);
        // First the record that makes it an upload, so that a crash in between leaves none.
        fs::remove_file(folder.join(UPLOAD))?;
        fs::remove_dir_all(folder)?;
        if let Some(upload) = self.uploads.remove(&(key.to_owned(), id.to_owned())) {
            upload.parts.into_values().filter(|part| !but.contains(&part.piece.name)).for_each(|part| part.piece.discard());
        }
        Ok(())
    }

    fn version_path(&self, version: &Version) -> PathBuf {
        // A key may be no file name; its digest is one.
        let key = hex(digest(&SHA256, version.key.as_bytes()).as_ref());
        self.folder.join("versions").join(format!("{key}.{}.json", version.id))
    }

    fn upload_folder(&self, id: &str) -> PathBuf {
        self.folder.join("uploads").join(id)
    }

    /// What the version of a new object is called here: a fresh id, or [`NULL`] in a bucket without versions.
    pub(super) fn version_id(&self, fresh: String) -> String {
        if self.spec.versioned { fresh } else { NULL.to_owned() }
    }
}

fn open_upload(folder: &Path, blobs: &Path) -> io::Result<Upload> {
    let mut upload: Upload = read(&folder.join(UPLOAD))?;
    for path in records(folder)? {
        if path.file_name().is_some_and(|name| name != UPLOAD) {
            let mut part: Part = read(&path)?;
            part.piece.settle(blobs);
            upload.parts.insert(part.number, part);
        }
    }
    Ok(upload)
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&fs::read(path)?).map_err(|cause| io::Error::other(format!("{}: {cause}", path.display())))
}

fn write(path: &Path, record: &impl Serialize) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(record)?)?;
    fs::rename(new, path)
}

/// The records in a folder. What was written but not renamed is removed.
fn records(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (whole, half): (Vec<_>, Vec<_>) =
        entries(folder)?.into_iter().partition(|path| path.extension().is_some_and(|kind| kind == "json"));
    half.into_iter().try_for_each(fs::remove_file)?;
    Ok(whole)
}

pub(super) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}
