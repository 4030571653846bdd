//! What a [`Registry`](crate::Registry) can do and how it does it, faults apart.

use crate::fault::Fault;

/// How it behaves. The default does everything there is, asks nobody who he is, and answers at
/// once.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Who may do what.
    pub auth: Auth,
    /// Whether there is a referrers API; without it a subject goes unnoticed, too.
    pub referrers: bool,
    /// Whether a list of referrers is filtered by the artifact type that is asked for.
    pub filters: bool,
    /// Rows in a page of tags or referrers, at the most.
    pub page: usize,
    /// Whether `Range` is honoured.
    pub ranges: bool,
    /// Whether a blob of another repository can be mounted.
    pub mount: bool,
    /// How it says where an upload goes on.
    pub uploads: Address,
    /// How it says where a list goes on.
    pub links: Address,
    /// What it does wrong; the first that applies to a request and is not used up happens.
    pub faults: Vec<Fault>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            auth: Auth::None,
            referrers: true,
            filters: true,
            page: usize::MAX,
            ranges: true,
            mount: true,
            uploads: Address::Relative,
            links: Address::Relative,
            faults: Vec::new(),
        }
    }
}

impl Behaviour {
    /// The default but for one fault.
    #[must_use]
    pub fn with_fault(fault: Fault) -> Self {
        Self::default().fault(fault)
    }

    /// And this fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The default without a referrers API.
    #[must_use]
    pub fn without_referrers() -> Self {
        Self {
            referrers: false,
            ..Self::default()
        }
    }

    /// The default with this way of asking who it is.
    #[must_use]
    pub fn with_auth(auth: Auth) -> Self {
        Self {
            auth,
            ..Self::default()
        }
    }
}

/// How it says where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A path.
    Relative,
    /// A URL with the host that the client named.
    Absolute,
    /// A path below this URL, such as `http://localhost:1234`.
    At(String),
}

impl Address {
    /// The path as it is told to a client that named `host`.
    #[must_use]
    pub fn of(&self, host: &str, path: &str) -> String {
        match self {
            Self::Relative => path.to_owned(),
            Self::Absolute => format!("http://{host}{path}"),
            Self::At(base) => format!("{base}{path}"),
        }
    }
}

/// How it makes sure of who asks.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all.
    None,
    /// A name and a password with each request.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token from the token endpoint, `/token`.
    Bearer(Bearer),
}

impl Auth {
    /// Basic.
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// How tokens are given.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// Whom the token endpoint gives a token for all that is asked for. With none, anybody; with
    /// one, those without an account get no token at all.
    pub account: Option<(String, String)>,
    /// Requests that a token is good for; then it has expired.
    pub uses: u32,
    /// Seconds that it is said to be good for.
    pub expires_in: u64,
    /// Where the endpoint is said to be, if not at `/token` here.
    pub realm: Option<String>,
    /// Name of the answer's field: `token` or `access_token`.
    pub field: &'static str,
}

impl Default for Bearer {
    fn default() -> Self {
        Self {
            account: None,
            uses: u32::MAX,
            expires_in: 300,
            realm: None,
            field: "token",
        }
    }
}
