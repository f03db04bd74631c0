//! The pages of notifications, pushes and items of streams: each has a number, one more than the one before.

use super::*;

/// What a client has done over all its sessions.
#[derive(Debug, Default)]
pub(crate) struct ClientPage {
    /// Notes that the client has sent.
    pub(crate) sent: u64,
    /// The notes of the client that the server has heard.
    pub(crate) heard: HashSet<u64>,
    /// The client's present session, as the server calls it.
    pub(crate) session: String,
    pub(crate) lost_notifications: u64,
    /// What has happened to the client lately, to be shown with a fault.
    pub(crate) diary: VecDeque<String>,
    /// Gaps that the client was told of as a whole.
    pub(crate) gaps_told: u64,
    /// Gaps that its streams have shown.
    pub(crate) gaps_seen: u64,
}

/// What was done in one session.
#[derive(Debug, Default)]
pub(crate) struct SessionPage {
    pub(crate) client: usize,
    /// The life of the server.
    pub(crate) life: u64,
    /// How often the server was told that the session has ended.
    pub(crate) ends: u32,
    /// The last note that the server has heard.
    from_client: Option<u64>,
    /// How many notes the server has sent, and the last one that the client has heard.
    pub(crate) sent: u64,
    pub(crate) heard: u64,
    /// The last push that the client has heard.
    pub(crate) pushed: Option<u64>,
}

impl Books {
    /// A session begins at the server.
    pub(crate) fn opens(&self, session: &str, client: usize, life: u64) {
        self.write(|pages| {
            let page = SessionPage { client, life, ..SessionPage::default() };
            if pages.sessions.insert(session.to_owned(), page).is_some() {
                pages.fault(FaultKind::Double, format!("session {session} was opened twice"));
            }
        });
    }

    /// The server is told that a session has ended.
    pub(crate) fn closes(&self, session: &str) {
        self.write(|pages| pages.session(session).ends += 1);
    }

    /// The server has heard a note of a client.
    pub(crate) fn heard_client(&self, session: &str, number: u64) {
        self.write(|pages| {
            let page = pages.session(session);
            let (client, last) = (page.client, page.from_client.replace(number));
            let page = &mut pages.clients[client];
            page.note_down(format!("note {number} in session {session:.4}"));
            let is_new = page.heard.insert(number);
            if !is_new || last.is_some_and(|last| number != last + 1) {
                let kind = if is_new { FaultKind::SilentGap } else { FaultKind::Double };
                let text = format!(
                    "the server heard note {number} of client {client} behind {last:?}: {:?}",
                    page.diary
                );
                pages.fault(kind, text);
            }
        });
    }

    /// A client has heard a note of the server.
    pub(crate) fn heard_server(&self, client: usize, number: u64) {
        self.write(|pages| {
            let page = pages.session_of(client);
            let expected = page.heard + 1;
            page.heard = number;
            pages.follows(number, expected, &format!("a note of the server to client {client}"));
        });
    }

    /// A client is told the name of its session.
    pub(crate) fn begun(&self, client: usize, session: &str) {
        self.write(|pages| pages.clients[client].session = session.to_owned());
    }

    /// A client has heard a push.
    pub(crate) fn pushed(&self, client: usize, number: u64) {
        self.write(|pages| {
            pages.count(Event::Pushed, 1);
            let last = pages.session_of(client).pushed.replace(number);
            let expected = last.map_or(number, |last| last + 1);
            pages.follows(number, expected, &format!("a push to client {client}"));
        });
    }

    /// An item of a stream has come.
    pub(crate) fn item(&self, item: u64, expected: u64, what: &str) {
        self.write(|pages| {
            pages.count(Event::Item, 1);
            pages.follows(item, expected, what);
        });
    }
}

impl ClientPage {
    pub(crate) fn note_down(&mut self, what: String) {
        if self.diary.len() == 40 {
            self.diary.pop_front();
        }
        self.diary.push_back(what);
    }
}

impl Pages {
    /// Each of these comes once, and none is left out.
    fn follows(&mut self, number: u64, expected: u64, what: &str) {
        let kind = if number < expected { FaultKind::Double } else { FaultKind::SilentGap };
        if number != expected {
            self.fault(kind, format!("{what} has the number {number} instead of {expected}"));
        }
    }

    /// The page of a session.
    pub(crate) fn session(&mut self, id: &str) -> &mut SessionPage {
        self.sessions.entry(id.to_owned()).or_default()
    }

    /// The page of a client's present session.
    fn session_of(&mut self, client: usize) -> &mut SessionPage {
        let id = self.clients[client].session.clone();
        self.session(&id)
    }
}
