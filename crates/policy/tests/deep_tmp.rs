use policy::{PolicySet, PolicySource};
#[test]
fn deep() {
    let kind = std::env::var("KIND").unwrap();
    let n: usize = std::env::var("N").unwrap().parse().unwrap();
    let body = match kind.as_str() {
        "paren" => format!("{}true{}", "(".repeat(n), ")".repeat(n)),
        "bang" => format!("{}true", "!".repeat(n)),
        "and" => vec!["context.risk > 1"; n].join(" && "),
        "or" => vec!["context.risk > 1"; n].join(" || "),
        "plus" => format!("{} > 1", vec!["context.risk"; n].join(" + ")),
        "set" => format!("{}1{} == [1]", "[".repeat(n), "]".repeat(n)),
        "rec" => format!("{}1{} == {{}}", "{a:".repeat(n), "}".repeat(n)),
        "dot" => format!("context{}", ".has_read".repeat(n)),
        "call" => format!("context.labels{}", ".contains(context.labels".repeat(n)) + &")".repeat(n),
        "if" => format!("{}true{}", "if true then ".repeat(n), " else false".repeat(n)),
        "elif" => format!("{}true", "if true then true else ".repeat(n)),
        "neg" => format!("{}(-1){} < 1", "-(".repeat(n), ")".repeat(n)),
        "is" => format!("{}principal is Chancery::User{}", "(".repeat(n), ")".repeat(n)),
        "elems" => format!("context.risk < 1 || [{}].contains(1)", vec!["1"; n].join(",")),
        _ => panic!(),
    };
    let cedar = format!("permit (principal, action, resource) when {{ {body} }};");
    std::thread::Builder::new().stack_size(2<<20).spawn(move || {
        let r = PolicySet::compile(&[PolicySource { name: "p".into(), cedar, managed: false }]);
        match r { Ok(s) => { println!("ok"); drop(s) } Err(e) => println!("err {}", &e[0].to_string().chars().take(100).collect::<String>()) }
    }).unwrap().join().unwrap();
}
