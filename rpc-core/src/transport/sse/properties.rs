//! A link against a simple model: requests that are cut, repeated, and that overtake each other.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::lines::write;
use super::{Event, EventReader, Inbound, LineEnd, Lines, Outbound, Place, event};

/// What happens to a link.
#[derive(Debug, Clone)]
enum Step {
    /// The client has another message.
    Say(String),
    /// The client posts so many of the messages that it keeps.
    Post(usize),
    /// The server reads so many bytes of one of the requests on their way, in pieces of so many bytes.
    Read { which: usize, bytes: usize, piece: usize },
    /// A request is cut where it is.
    Cut(usize),
    /// The client hears how much has come, if its answer gets through.
    Hear,
}

/// One `POST` on its way, and how far it was read.
struct Post {
    body: Bytes,
    read: usize,
    next: u64,
    lines: Lines,
    is_refused: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => "[a-z\n\r]{1,12}".prop_map(Step::Say),
        2 => (1..6_usize).prop_map(Step::Post),
        6 => (any::<usize>(), 1..40_usize, 1..9_usize)
            .prop_map(|(which, bytes, piece)| Step::Read { which, bytes, piece }),
        1 => any::<usize>().prop_map(Step::Cut),
        1 => Just(Step::Hear),
    ];
    vec(step, 1..200)
}

proptest! {
    /// However requests are cut, repeated and overtake each other: the server has each message once, in order, and the
    /// client keeps what the server has not.
    #[test]
    fn each_message_goes_up_once_and_in_order(steps in steps()) {
        let (mut said, mut taken) = (Vec::new(), Vec::new());
        let (mut client, mut server) = (Outbound::default(), Inbound::default());
        let mut posts: Vec<Post> = Vec::new();
        for step in steps {
            match step {
                Step::Say(text) => {
                    said.push(text.replace(['\n', '\r'], " "));
                    client.push(text.into());
                }
                Step::Post(count) => {
                    let first = client.acknowledged() + 1;
                    let mut body = Vec::new();
                    let until = client.last().min(first + count as u64 - 1);
                    (first..=until).for_each(|number| write(client.get(number).unwrap(), &mut body));
                    client.note_sent(until);
                    let (body, lines) = (body.into(), Lines::new(LineEnd::Feed, 100));
                    posts.push(Post { body, read: 0, next: first, lines, is_refused: false });
                }
                Step::Read { which, bytes, piece } if !posts.is_empty() => {
                    let which = which % posts.len();
                    posts[which].read_on(bytes, piece, &mut server, &mut taken);
                }
                Step::Cut(which) if !posts.is_empty() => drop(posts.remove(which % posts.len())),
                Step::Hear => prop_assert!(client.acknowledge(server.received()).is_ok()),
                Step::Read { .. } | Step::Cut(_) => {}
            }
            prop_assert_eq!(&taken[..], &said[..taken.len()]);
            prop_assert_eq!(server.received(), taken.len() as u64);
            prop_assert!(client.acknowledged() <= server.received());
        }
        // What is left gets through at last.
        prop_assert!(client.acknowledge(server.received()).is_ok());
        let mut body = Vec::new();
        let first = client.acknowledged() + 1;
        (first..=client.last()).for_each(|number| write(client.get(number).unwrap(), &mut body));
        let (body, lines) = (body.into(), Lines::new(LineEnd::Feed, 100));
        let mut post = Post { body, read: 0, next: first, lines, is_refused: false };
        post.read_on(usize::MAX, 7, &mut server, &mut taken);
        prop_assert_eq!(taken, said);
    }

    /// However the stream is cut and asked for again, the client has each event once, in order.
    #[test]
    fn each_event_comes_down_once_and_in_order(
        texts in vec("[a-z\n]{0,12}", 1..40),
        cuts in vec((0..60_usize, 1..9_usize, any::<bool>()), 0..20),
    ) {
        let mut server = Outbound::default();
        texts.iter().for_each(|text| server.push(Bytes::copy_from_slice(text.as_bytes())));
        let (mut client, mut taken) = (Inbound::default(), Vec::new());
        let last = (usize::MAX, 7, true);
        for (bytes, piece, acknowledges) in cuts.into_iter().chain([last]) {
            let mut stream = BytesMut::new();
            for number in client.received() + 1..=server.last() {
                event::write(number, server.get(number).unwrap(), &mut stream);
            }
            server.note_sent(server.last());
            stream.truncate(bytes.min(stream.len()));
            let mut reader = EventReader::new(100);
            for piece in stream.chunks(piece) {
                reader.feed(Bytes::copy_from_slice(piece));
                while let Some(event) = reader.next_event().unwrap() {
                    let Event::Message { number: Some(number), text } = event else { panic!() };
                    prop_assert_eq!(client.take(number), Place::Next);
                    taken.push(String::from_utf8(text.to_vec()).unwrap());
                }
            }
            if acknowledges {
                prop_assert!(server.acknowledge(client.received()).is_ok());
            }
        }
        prop_assert_eq!(taken, texts);
        prop_assert_eq!((server.bytes(), server.unsent()), (0, 0));
    }
}

impl Post {
    /// Reads so many more bytes in pieces, as a server does.
    fn read_on(
        &mut self,
        bytes: usize,
        piece: usize,
        server: &mut Inbound,
        taken: &mut Vec<String>,
    ) {
        let until = self.read.saturating_add(bytes).min(self.body.len());
        while self.read < until && !self.is_refused {
            let end = (self.read + piece).min(until);
            self.lines.feed(self.body.slice(self.read..end));
            self.read = end;
            while let Some(line) = self.lines.next_line().unwrap() {
                match server.take(self.next) {
                    Place::Next => taken.push(String::from_utf8(line.to_vec()).unwrap()),
                    Place::Repeated => {}
                    Place::Gap => {
                        self.is_refused = true;
                        return;
                    }
                }
                self.next += 1;
            }
        }
    }
}
