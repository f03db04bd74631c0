//! Frames of any kind out of the bytes of an input.

/// The bytes of the frames that an input stands for: each begins with a byte for its head and one for
/// its length, what follows is its payload. Masked as a client's are, if they are to be.
pub fn of(mut input: &[u8], masked: bool) -> Vec<u8> {
    let mut frames = Vec::new();
    while let [head, length, rest @ ..] = input {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        input = rest;
        let mask = if masked { 0x80 } else { 0 };
        frames.push(*head);
        match payload.len() {
            length @ ..126 => frames.push(mask | length as u8),
            length => {
                frames.push(mask | 126);
                frames.extend((length as u16).to_be_bytes());
            }
        }
        if masked {
            frames.extend([0; 4]); // which leaves the payload as it is
        }
        frames.extend(payload);
    }
    frames
}
