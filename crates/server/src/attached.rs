//! What of an attached file a model is shown.
//!
//! What whoever put it there says of its type decides nothing by itself: a picture has to begin like
//! one, and a text has to be one.

use agents::conversation::Shown;
use vault::Artifact;
use vocab::limits;

/// How much may still be shown with one message.
pub(crate) struct Showing {
    /// How many bytes of text.
    pub room: usize,
    /// How many pictures.
    pub images: usize,
}

impl Showing {
    /// Whether the bytes of this file may be shown.
    pub(crate) fn wants(&self, it: &Artifact) -> bool {
        match it.media.starts_with("image/") {
            true => self.images > 0 && it.size_bytes <= limits::ATTACHED_IMAGE_BYTES_MAX,
            false => self.room > 0,
        }
    }

    /// What is shown of a file with these bytes.
    pub(crate) fn show(&mut self, it: &Artifact, bytes: &[u8]) -> Shown {
        if it.media.starts_with("image/") {
            if is_image(&it.media, bytes) && self.images > 0 {
                self.images -= 1;
                return Shown::Image;
            }
            return Shown::Note;
        }
        let Some(text) = beginning(bytes, self.room) else {
            return Shown::Note;
        };
        self.room -= text.len();
        Shown::Text {
            cut: text.len() < bytes.len(),
            text: text.to_owned(),
        }
    }
}

/// Whether bytes begin as a picture of that type does, of those that models take.
fn is_image(media: &str, bytes: &[u8]) -> bool {
    match media {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP".as_slice()),
        _ => false,
    }
}

/// The beginning of a text, at most so many bytes of it; nothing if these are no text.
fn beginning(bytes: &[u8], most: usize) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let control = |it: char| it.is_control() && !matches!(it, '\n' | '\r' | '\t' | '\u{c}');
    let begun = text.get(..text.floor_char_boundary(most))?;
    (!begun.contains(control)).then_some(begun)
}

#[cfg(test)]
mod tests {
    use vocab::{ArtifactId, Clock, Digest, Random};

    use super::*;

    fn file(media: &str, size_bytes: u64) -> Artifact {
        let clock = Clock::system();
        Artifact {
            id: ArtifactId::generate(&clock, &Random::system()),
            name: "x".into(),
            media: media.into(),
            size_bytes,
            digest: Digest::ZERO,
            session: None,
            run: None,
            created_at: clock.now(),
        }
    }

    fn showing(room: usize, images: usize) -> Showing {
        Showing { room, images }
    }

    #[test]
    fn a_text_is_shown_as_far_as_there_is_room() {
        let it = file("text/plain", 6);
        let mut showing = showing(4, 0);
        let text = |text: &str, cut| Shown::Text {
            text: text.into(),
            cut,
        };
        assert_eq!(showing.show(&it, "äöü".as_bytes()), text("äö", true));
        assert!(!showing.wants(&it));
        assert_eq!(self::showing(9, 0).show(&it, b"a\n"), text("a\n", false));
        // Whatever it is called.
        assert_eq!(
            self::showing(9, 0).show(&file("application/json", 2), b"{}"),
            text("{}", false)
        );
        assert_eq!(self::showing(9, 0).show(&it, b"\xff\xfe"), Shown::Note);
        assert_eq!(self::showing(9, 0).show(&it, b"a\0b"), Shown::Note);
    }

    #[test]
    fn a_picture_is_shown_if_it_begins_like_one_and_the_model_sees() {
        let png = b"\x89PNG\r\n\x1a\n...";
        let it = file("image/png", 11);
        let mut two = showing(9, 2);
        assert!(two.wants(&it));
        assert_eq!(
            [two.show(&it, png), two.show(&it, png)],
            [Shown::Image, Shown::Image]
        );
        assert!(!two.wants(&it));
        assert!(!showing(9, 0).wants(&it));
        assert!(!showing(9, 1).wants(&file("image/png", limits::ATTACHED_IMAGE_BYTES_MAX + 1)));
        assert_eq!(showing(9, 1).show(&it, b"<svg onload=x>"), Shown::Note);
        assert_eq!(
            showing(9, 1).show(&file("image/svg+xml", 5), b"<svg>"),
            Shown::Note
        );
        assert_eq!(showing(9, 1).show(&file("image/jpeg", 5), png), Shown::Note);
    }
}
