//! Reading a body within its limits, decompressing as it comes.
//!
//! The decoders write into a buffer that refuses to grow over its limit, so a bomb costs at most the
//! limit in memory, whatever a single chunk expands to.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use crate::error::Failure;
use crate::limits::{Limits, Overflow};

/// Below this many decompressed bytes the ratio is not looked at: short texts compress well.
const RATIO_FLOOR: usize = 64 << 10;
const INFLATE_STEP: usize = 16 << 10;

/// The content coding of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Deflate,
}

impl Coding {
    /// Reads `Content-Encoding`. Several codings on top of each other are refused: only bombs do that.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Coding, Failure> {
        let mut coding = Coding::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().map_err(|_| Failure::Encoding)?;
            for name in value
                .split(',')
                .map(|name| name.trim().to_ascii_lowercase())
            {
                let next = match name.as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Coding::Gzip,
                    "deflate" => Coding::Deflate,
                    _ => return Err(Failure::Encoding),
                };
                if coding != Coding::Identity {
                    return Err(Failure::Encoding);
                }
                coding = next;
            }
        }
        Ok(coding)
    }

    /// Removes the headers that described the coded body.
    pub(crate) fn strip(self, headers: &mut HeaderMap) {
        match self {
            Coding::Identity => {}
            Coding::Gzip | Coding::Deflate => {
                headers.remove(CONTENT_ENCODING);
                headers.remove(CONTENT_LENGTH);
            }
        }
    }
}

/// Whether more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// Go on.
    More,
    /// A limit is reached and the body is cut there.
    Cut,
}

/// Why a body could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyFault {
    TooLarge {
        part: &'static str,
        limit: usize,
    },
    /// Not what its content coding says.
    Corrupt,
}

/// A body on its way in.
pub(crate) struct Intake<'a> {
    limits: &'a Limits,
    wire: usize,
    decoder: Decoder,
}

enum Decoder {
    Identity(Sink),
    Gzip(Box<MultiGzDecoder<Sink>>),
    Deflate(Inflate, Sink),
}

impl<'a> Intake<'a> {
    pub(crate) fn new(coding: Coding, limits: &'a Limits) -> Intake<'a> {
        let sink = Sink::new(limits);
        let decoder = match coding {
            Coding::Identity => Decoder::Identity(sink),
            Coding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(sink))),
            Coding::Deflate => Decoder::Deflate(Inflate::default(), sink),
        };
        Intake {
            limits,
            wire: 0,
            decoder,
        }
    }

    /// Takes one chunk as it came over the wire.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<Take, BodyFault> {
        let room = self.limits.response_bytes_max - self.wire;
        let taken = &chunk[..chunk.len().min(room)];
        self.wire += taken.len();
        let wire = self.wire;
        let sink = self.sink();
        sink.wire = wire;
        let outcome = match &mut self.decoder {
            Decoder::Identity(sink) => sink.write_all(taken),
            // The flush hands over what the decoder holds, so that a cut body ends where it is cut.
            Decoder::Gzip(decoder) => decoder.write_all(taken).and_then(|()| decoder.flush()),
            Decoder::Deflate(inflate, sink) => inflate.write(taken, sink),
        };
        match (outcome, self.sink().fault) {
            (_, Some(SinkFault::Full)) => self.over("body", self.limits.decompressed_bytes_max),
            (_, Some(SinkFault::Ratio)) => Err(BodyFault::TooLarge {
                part: "decompression ratio",
                limit: self.limits.decompression_ratio_max as usize,
            }),
            (Err(_), None) => Err(BodyFault::Corrupt),
            (Ok(()), None) if taken.len() < chunk.len() => {
                self.over("body on the wire", self.limits.response_bytes_max)
            }
            (Ok(()), None) => Ok(Take::More),
        }
    }

    /// The body as far as it was taken.
    pub(crate) fn cut(mut self) -> Vec<u8> {
        std::mem::take(&mut self.sink().bytes)
    }

    /// The whole body; fails if its coding has not come to its end.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, BodyFault> {
        if self.wire > 0 {
            let complete = match &mut self.decoder {
                Decoder::Identity(_) => true,
                Decoder::Gzip(decoder) => decoder.try_finish().is_ok(),
                Decoder::Deflate(inflate, _) => inflate.ended,
            };
            if !complete {
                return Err(BodyFault::Corrupt);
            }
        }
        Ok(self.cut())
    }

    fn over(&self, part: &'static str, limit: usize) -> Result<Take, BodyFault> {
        match self.limits.overflow {
            Overflow::Refuse => Err(BodyFault::TooLarge { part, limit }),
            Overflow::Truncate => Ok(Take::Cut),
        }
    }

    fn sink(&mut self) -> &mut Sink {
        match &mut self.decoder {
            Decoder::Identity(sink) | Decoder::Deflate(_, sink) => sink,
            Decoder::Gzip(decoder) => decoder.get_mut(),
        }
    }
}

/// `deflate` means zlib, but some servers send it bare; the first two bytes tell.
#[derive(Default)]
struct Inflate {
    head: Vec<u8>,
    state: Option<Decompress>,
    ended: bool,
}

impl Inflate {
    fn write(&mut self, bytes: &[u8], sink: &mut Sink) -> io::Result<()> {
        let mut state = match self.state.take() {
            Some(state) => state,
            None => {
                self.head.extend_from_slice(bytes);
                let &[first, second, ..] = self.head.as_slice() else {
                    return Ok(());
                };
                let check = u16::from_be_bytes([first, second]);
                let mut state = Decompress::new(first & 0x0f == 8 && check.is_multiple_of(31));
                let head = std::mem::take(&mut self.head);
                self.inflate(&mut state, &head, sink)?;
                self.state = Some(state);
                return Ok(());
            }
        };
        self.inflate(&mut state, bytes, sink)?;
        self.state = Some(state);
        Ok(())
    }

    fn inflate(&mut self, state: &mut Decompress, bytes: &[u8], sink: &mut Sink) -> io::Result<()> {
        let mut step = [0; INFLATE_STEP];
        let start = state.total_in();
        loop {
            let used = usize::try_from(state.total_in() - start).unwrap_or(bytes.len());
            if self.ended {
                // Bytes after the end of the stream: something else than the body was meant.
                return if used < bytes.len() {
                    Err(io::ErrorKind::InvalidData.into())
                } else {
                    Ok(())
                };
            }
            let before = state.total_out();
            let status = state.decompress(&bytes[used..], &mut step, FlushDecompress::None)?;
            let produced = usize::try_from(state.total_out() - before).unwrap_or(step.len());
            sink.write_all(&step[..produced])?;
            match status {
                Status::StreamEnd => self.ended = true,
                Status::Ok if produced > 0 || used < bytes.len() => {}
                Status::Ok | Status::BufError => return Ok(()),
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SinkFault {
    Full,
    Ratio,
}

/// The decompressed bytes, bounded absolutely and against the bytes on the wire.
struct Sink {
    bytes: Vec<u8>,
    wire: usize,
    bytes_max: usize,
    ratio_max: usize,
    fault: Option<SinkFault>,
}

impl Sink {
    fn new(limits: &Limits) -> Sink {
        Sink {
            bytes: Vec::new(),
            wire: 0,
            bytes_max: limits.decompressed_bytes_max,
            ratio_max: limits.decompression_ratio_max as usize,
            fault: None,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.bytes_max - self.bytes.len();
        let total = self.bytes.len() + bytes.len();
        if total > RATIO_FLOOR && total > self.wire.saturating_mul(self.ratio_max) {
            self.fault = Some(SinkFault::Ratio);
        } else if bytes.len() > room {
            self.bytes.extend_from_slice(&bytes[..room]);
            self.fault = Some(SinkFault::Full);
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        match self.fault {
            None => Ok(bytes.len()),
            Some(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn limits(bytes_max: usize, overflow: Overflow) -> Limits {
        Limits {
            decompressed_bytes_max: bytes_max,
            overflow,
            ..Limits::default()
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bare(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(
        coding: Coding,
        wire: &[u8],
        step: usize,
        limits: &Limits,
    ) -> Result<(Vec<u8>, bool), BodyFault> {
        let mut intake = Intake::new(coding, limits);
        for chunk in wire.chunks(step) {
            if intake.take(chunk)? == Take::Cut {
                return Ok((intake.cut(), true));
            }
        }
        Ok((intake.finish()?, false))
    }

    #[test]
    fn every_coding_survives_every_chunking() {
        let text: Vec<u8> = (0..20_000_u32)
            .flat_map(|n| n.to_string().into_bytes())
            .collect();
        let limits = Limits::default();
        for step in [1, 2, 3, 7, 100, 4096, usize::MAX] {
            for (coding, wire) in [
                (Coding::Identity, text.clone()),
                (Coding::Gzip, gzip(&text)),
                (
                    Coding::Gzip,
                    [gzip(&text[..500]), gzip(&text[500..])].concat(),
                ),
                (Coding::Deflate, zlib(&text)),
                (Coding::Deflate, bare(&text)),
            ] {
                let (body, cut) = read(coding, &wire, step, &limits).unwrap();
                assert!(body == text && !cut, "{coding:?} in steps of {step}");
            }
        }
        for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate] {
            assert_eq!(read(coding, b"", 1, &limits), Ok((Vec::new(), false)));
        }
    }

    #[test]
    fn a_torn_or_altered_stream_is_corrupt() {
        let text = b"a text that is long enough to be torn in several places";
        let limits = Limits::default();
        for (coding, wire) in [
            (Coding::Gzip, gzip(text)),
            (Coding::Deflate, zlib(text)),
            (Coding::Deflate, bare(text)),
        ] {
            for length in 1..wire.len() {
                let torn = read(coding, &wire[..length], usize::MAX, &limits);
                assert_eq!(torn, Err(BodyFault::Corrupt), "{coding:?} torn at {length}");
            }
            let trailing = [wire.as_slice(), b"more"].concat();
            assert_eq!(
                read(coding, &trailing, usize::MAX, &limits),
                Err(BodyFault::Corrupt)
            );
        }
        let mut altered = gzip(text);
        let crc = altered.len() - 8;
        altered[crc] ^= 1;
        assert_eq!(
            read(Coding::Gzip, &altered, 5, &limits),
            Err(BodyFault::Corrupt)
        );
    }

    #[test]
    fn a_bomb_never_holds_more_than_its_limit() {
        let bomb = vec![0; 64 << 20];
        for (coding, wire) in [
            (Coding::Gzip, gzip(&bomb)),
            (Coding::Deflate, zlib(&bomb)),
            (Coding::Deflate, bare(&bomb)),
        ] {
            for overflow in [Overflow::Refuse, Overflow::Truncate] {
                let limits = limits(10 << 20, overflow);
                let mut intake = Intake::new(coding, &limits);
                let fault = wire.chunks(4096).find_map(|chunk| intake.take(chunk).err());
                let part = "decompression ratio";
                assert_eq!(
                    fault,
                    Some(BodyFault::TooLarge { part, limit: 200 }),
                    "{coding:?}"
                );
                assert!(intake.sink().bytes.capacity() <= 20 << 20);
            }
        }
    }

    #[test]
    fn limits_cut_or_refuse_at_the_byte() {
        let text = b"0123456789";
        for (coding, wire) in [
            (Coding::Identity, text.to_vec()),
            (Coding::Gzip, gzip(text)),
            (Coding::Deflate, zlib(text)),
        ] {
            for step in [1, 3, usize::MAX] {
                let fits = read(coding, &wire, step, &limits(10, Overflow::Refuse));
                assert_eq!(fits, Ok((text.to_vec(), false)), "{coding:?} {step}");
                let over = read(coding, &wire, step, &limits(9, Overflow::Refuse));
                assert_eq!(
                    over,
                    Err(BodyFault::TooLarge {
                        part: "body",
                        limit: 9
                    }),
                    "{coding:?} {step}"
                );
                let cut = read(coding, &wire, step, &limits(9, Overflow::Truncate));
                assert_eq!(cut, Ok((text[..9].to_vec(), true)), "{coding:?} {step}");
            }
        }
        let wire_limit = |overflow| Limits {
            response_bytes_max: 4,
            ..limits(100, overflow)
        };
        let refused = read(Coding::Identity, text, 3, &wire_limit(Overflow::Refuse));
        assert_eq!(
            refused,
            Err(BodyFault::TooLarge {
                part: "body on the wire",
                limit: 4
            })
        );
        let cut = read(Coding::Identity, text, 3, &wire_limit(Overflow::Truncate));
        assert_eq!(cut, Ok((b"0123".to_vec(), true)));
    }

    #[test]
    fn content_encodings() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, http::HeaderValue::from_static(value));
            }
            Coding::of(&headers)
        };
        assert_eq!(of(&[]), Ok(Coding::Identity));
        assert_eq!(of(&["identity"]), Ok(Coding::Identity));
        assert_eq!(of(&["GZip"]), Ok(Coding::Gzip));
        assert_eq!(of(&["identity, deflate"]), Ok(Coding::Deflate));
        for refused in [
            &["br"][..],
            &["zstd"],
            &["gzip, gzip"],
            &["gzip", "deflate"],
            &["gzip;q=1"],
        ] {
            assert_eq!(of(refused), Err(Failure::Encoding), "{refused:?}");
        }
    }
}
