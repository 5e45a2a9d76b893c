use super::*;
use crate::conversation::Shown;

#[test]
fn the_rest_of_an_attached_text_can_be_read_on() {
    let file = |media: &str, shown: Shown| Attachment {
        artifact: vocab::ArtifactId::from_uuid(uuid::Uuid::nil()),
        name: "notes.txt".into(),
        media: media.into(),
        size_bytes: 9,
        digest: vocab::Digest::ZERO,
        shown,
    };
    let begun = |cut| Shown::Text {
        text: "zero öne".into(),
        cut,
    };
    for (attached, offered, told) in [
        (
            file("text/plain", begun(true)),
            true,
            "it is to be read on from offset 9.",
        ),
        (file("text/plain", begun(false)), false, "End of the file"),
        (
            file("text/csv", Shown::Note),
            true,
            "it is to be read from offset 0.",
        ),
        (file("image/png", Shown::Note), false, "is not shown here."),
        (file("image/png", Shown::Image), false, "Attached file"),
    ] {
        let known = Briefing {
            reader: Some(offer("artifact.read")),
            attachments: vec![attached.clone()],
            ..briefing()
        };
        let question = Played::begin(&agent(), &known).question();
        let tools = question.tools.iter();
        let has_reader = tools.clone().any(|it| it.name == "artifact_read");
        assert_eq!(has_reader, offered, "{attached:?}");
        let said = serde_json::to_string(&question.messages).unwrap();
        assert!(said.contains(told), "{said}");
    }
}
