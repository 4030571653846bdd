//! Who asks: nobody, somebody with a password, or with a token from the token endpoint.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::behaviour::{Auth, Bearer};
use crate::http::{Head, Response};

/// Tokens that were given, and what they are good for.
#[derive(Debug, Default)]
pub struct Tokens {
    given: BTreeMap<String, Token>,
}

#[derive(Debug)]
struct Token {
    scopes: Vec<String>,
    uses: u32,
}

/// What a request needs: a repository and `pull` or `pull,push`; none for the base.
pub struct Need {
    /// Scopes; the first is a must, others are nice to have.
    pub scopes: Vec<String>,
}

/// What is known of who asks.
pub struct Admitted {
    /// Whether the scope that is nice to have is granted, too.
    pub all: bool,
}

impl Tokens {
    /// Lets the request in, or says what to bring.
    pub fn admit(&mut self, auth: &Auth, head: &Head, need: &Need) -> Result<Admitted, Response> {
        let all = Admitted { all: true };
        match auth {
            Auth::None => Ok(all),
            Auth::Basic { user, password } => match is_account(head, user, password) {
                true => Ok(all),
                false => Err(refused(r#"Basic realm="lazaret test""#.to_owned())),
            },
            Auth::Bearer(bearer) => self.admit_bearer(bearer, head, need),
        }
    }

    fn admit_bearer(
        &mut self,
        bearer: &Bearer,
        head: &Head,
        need: &Need,
    ) -> Result<Admitted, Response> {
        let realm = match &bearer.realm {
            Some(realm) => realm.clone(),
            None => format!("http://{}/token", head.host()),
        };
        let scope = need.scopes.join(" ");
        let mut challenge = format!(r#"Bearer realm="{realm}",service="lazaret test""#);
        if !scope.is_empty() {
            challenge.push_str(&format!(r#",scope="{scope}""#));
        }
        let given = head.header("authorization").unwrap_or_default();
        let Some(token) = given.strip_prefix("Bearer ") else {
            return Err(refused(challenge));
        };
        match self.given.get_mut(token) {
            None => Err(refused(format!(r#"{challenge},error="invalid_token""#))),
            Some(token) if token.uses == 0 => {
                Err(refused(format!(r#"{challenge},error="invalid_token""#)))
            }
            Some(token) => {
                let granted = |scope: &String| token.grants(scope.as_str());
                if !need.scopes.first().is_none_or(granted) {
                    let challenge = format!(r#"{challenge},error="insufficient_scope""#);
                    return Err(refused(challenge));
                }
                let all = need.scopes.iter().all(granted);
                token.uses -= 1;
                Ok(Admitted { all })
            }
        }
    }

    /// The token endpoint.
    pub fn give(&mut self, auth: &Auth, head: &Head) -> Response {
        let Auth::Bearer(bearer) = auth else {
            return Response::error(404, "UNKNOWN", "there are no tokens here");
        };
        if let Some((user, password)) = &bearer.account
            && !is_account(head, user, password)
        {
            return Response::error(401, "UNAUTHORIZED", "a name and a password, please");
        }
        let asked = head.query.iter().filter(|(name, _)| name == "scope");
        let scopes = asked.flat_map(|(_, value)| value.split([' ', '+']));
        let token = Token {
            scopes: scopes.map(str::to_owned).collect(),
            uses: bearer.uses,
        };
        let name = format!("token-{}", self.given.len());
        self.given.insert(name.clone(), token);
        Response::json(
            200,
            &json!({bearer.field: name, "expires_in": bearer.expires_in}),
        )
    }
}

impl Token {
    /// Whether a scope it was given for has all the actions of `wanted`.
    fn grants(&self, wanted: &str) -> bool {
        let split = |scope: &str| -> Option<(String, Vec<String>)> {
            let (name, actions) = scope.rsplit_once(':')?;
            let actions = actions.split(',').map(str::to_owned).collect();
            Some((name.to_owned(), actions))
        };
        let Some((name, actions)) = split(wanted) else {
            return true;
        };
        let scopes = self.scopes.iter().filter_map(|scope| split(scope));
        let mut granted = scopes
            .filter(|(scope, _)| *scope == name)
            .flat_map(|(_, actions)| actions);
        let granted: Vec<String> = granted.by_ref().collect();
        actions.iter().all(|action| granted.contains(action))
    }
}

fn is_account(head: &Head, user: &str, password: &str) -> bool {
    let wanted = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    head.header("authorization") == Some(&wanted)
}

fn refused(challenge: String) -> Response {
    Response::error(401, "UNAUTHORIZED", "who are you?").header("WWW-Authenticate", challenge)
}
