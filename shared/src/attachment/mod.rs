//! Attachments: files that users attach to what they keep in an app (promises A-28, E-16). What is known of a file lies in a sealed record,
//! the file itself in a sealed object; neither holds anything readable without the tenant's keys.
//!
//! - [`id`]: names of attachments, which say to whom they belong. - [`description`]: what the uploader says of a file. - [`record`]: what is
//!   kept of it. - [`object`]: its bytes, sealed and opened frame by frame. - [`shelf`]: records, objects and the counts of both, together.
//! - [`upload`]: files too large for one request, put by their parts. - [`sealing`]: how what has arrived becomes an attachment. -
//!   [`reconcile`]: what lies in the buckets, held against the records. - [`range`]: the part of a file that a request asks for. -
//!   [`disposition`]: how a browser is told its name.
//!
//! The object is there before its record, and is deleted after it: an object without a record is nobody's, and a record without its object is
//! an incident that a backup may mend.

pub mod description;
pub mod disposition;
pub mod id;
pub mod object;
pub mod range;
pub mod reconcile;
pub mod record;
pub mod sealing;
pub mod shelf;
pub mod upload;

/// How many bytes a file may have that comes in one request: Lambda takes 6 MB, and base64 makes a third more of it.
pub const LARGEST_AT_ONCE: usize = 4 * 1024 * 1024;

pub use description::Description;
pub use id::AttachmentId;
pub use record::Attachment;
pub use shelf::Shelf;
pub use upload::Upload;
