//! Why a token is refused.
//!
//! The caller learns only that it was; the reason goes to the log. Neither carries anything of the token.

use crate::connect::qsh::MalformedQuery;

/// Why a token is refused. All of them are answered 401, except [`TokenFault::MalformedQuery`], which is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The request carries no Connect token.
    #[error("cannot find a token")]
    Missing,
    /// The request carries two tokens, or two headers or parameters where one belongs.
    #[error("cannot tell which token is meant")]
    Ambiguous,
    /// The token is larger than [`super::MAX_TOKEN_BYTES`].
    #[error("cannot read the token: too large")]
    TooLarge,
    /// The token is not three texts with dots between them.
    #[error("cannot read the token: not three parts")]
    NotThreeParts,
    /// A part is not base64url, or has padding or a second spelling.
    #[error("cannot read the token: not strict base64url")]
    Base64,
    /// The header is not one object with the members it must have.
    #[error("cannot read the token's header")]
    Header,
    /// The header names another algorithm than the route's.
    #[error("cannot accept the token's algorithm")]
    Algorithm,
    /// The header names extensions that must be understood; we know none.
    #[error("cannot accept the token's critical extensions")]
    Crit,
    /// The header names no key, a key in a shape we do not fetch, or one that nobody knows.
    #[error("cannot accept the token's key name")]
    Kid,
    /// The claims, or the one named here, are missing, wrongly typed or given twice.
    #[error("cannot read the token's claims: {0}")]
    Claims(&'static str),
    /// The key to check the signature with is none.
    #[error("cannot use the key")]
    Key,
    /// No key of ours made this signature.
    #[error("cannot confirm the token's signature")]
    Signature,
    /// `exp` is past.
    #[error("cannot accept the token: expired")]
    Expired,
    /// `nbf` is ahead.
    #[error("cannot accept the token: not yet valid")]
    NotYetValid,
    /// `iat` is ahead.
    #[error("cannot accept the token: issued in the future")]
    IssuedInFuture,
    /// `exp` is too far from `iat`.
    #[error("cannot accept the token: lives too long")]
    LivesTooLong,
    /// The token was made for somebody else.
    #[error("cannot accept the token: made for another audience")]
    Audience,
    /// The token was made by somebody who may not make it.
    #[error("cannot accept the token: made by another issuer")]
    Issuer,
    /// The token was made for another request, or for another kind of route.
    #[error("cannot accept the token: made for another request")]
    Qsh,
    /// The query can be read in two ways, so no hash of it proves anything.
    #[error("cannot read the query")]
    MalformedQuery,
}

impl TokenFault {
    /// A short, stable word for the log.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ambiguous => "ambiguous",
            Self::TooLarge => "too_large",
            Self::NotThreeParts => "not_three_parts",
            Self::Base64 => "base64",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Crit => "crit",
            Self::Kid => "kid",
            Self::Claims(_) => "claims",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::LivesTooLong => "lives_too_long",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::Qsh => "qsh",
            Self::MalformedQuery => "malformed_query",
        }
    }
}

impl From<MalformedQuery> for TokenFault {
    fn from(_: MalformedQuery) -> Self {
        Self::MalformedQuery
    }
}
