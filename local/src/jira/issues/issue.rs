//! An issue: what people fill in, and what Jira adds.

use serde::{Deserialize, Serialize};

use super::super::user::{APP_ACCOUNT, PROJECT, PROJECTS, Project, USERS, User};

/// Who does something to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody.
    User(User),
    /// The app itself, under the account that Jira has made for it.
    App,
}

impl Actor {
    /// Their account; nobody without one does anything.
    #[must_use]
    pub const fn account_id(self) -> Option<&'static str> {
        match self {
            Self::User(user) => user.account_id,
            Self::App => Some(APP_ACCOUNT),
        }
    }
}

/// How far an issue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum Status {
    #[default]
    ToDo,
    InProgress,
    Done,
}

impl Status {
    /// All of them, in the order of work.
    pub const ALL: [Self; 3] = [Self::ToDo, Self::InProgress, Self::Done];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToDo => "To Do",
            Self::InProgress => "In Progress",
            Self::Done => "Done",
        }
    }

    /// Jira's number of it, as text.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::ToDo => "10000",
            Self::InProgress => "10001",
            Self::Done => "10002",
        }
    }
}

/// What people fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// Jira's number of the project.
    pub project: u64,
    /// In a line.
    pub summary: String,
    /// At length; "" is none.
    #[serde(default)]
    pub description: String,
    /// How far it is.
    #[serde(default)]
    pub status: Status,
    /// The key of whoever is to do it.
    #[serde(default)]
    pub assignee: Option<String>,
}

impl Draft {
    /// An issue of the project that members see, with nothing but a summary.
    #[must_use]
    pub fn of(summary: &str) -> Self {
        Self { project: PROJECT, summary: summary.to_owned(), description: String::new(), status: Status::ToDo, assignee: None }
    }

    /// The project, if a site has it.
    pub(super) fn project(&self) -> Option<Project> {
        PROJECTS.into_iter().find(|project| project.id == self.project)
    }

    /// Whoever is to do it, if there is somebody of this key with an account.
    pub(super) fn assignee(&self) -> Option<User> {
        USERS.into_iter().find(|user| user.account_id.is_some() && Some(user.key) == self.assignee.as_deref())
    }
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Jira's number of it, as text.
    pub id: String,
    /// The account of whoever wrote it.
    pub author: String,
    /// What it says.
    pub body: String,
    /// When, in milliseconds since 1970.
    pub created: i64,
}

/// An issue of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Jira's number of it, as text. It never changes.
    pub id: String,
    /// The project's key and a number. It changes when the issue moves.
    pub key: String,
    /// What people have filled in.
    #[serde(flatten)]
    pub draft: Draft,
    /// The account of whoever made it.
    pub reporter: String,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
    /// In their order.
    pub comments: Vec<Comment>,
}
