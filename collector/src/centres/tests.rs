//! Files as people write them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

const FULL: &str = "\
id,name,area,isp,latitude,longitude,hours,days,notes
cong-son,Công Sơn,Cao Lộc,VNPT,21.85,106.76,07:30-11:30 13:30-17:00,mon-sat,\"gần chợ, tầng 2\"
binh-gia,Bình Gia,,,,,,,
";

fn names(text: &str) -> Vec<String> {
    let centres = parse(text).unwrap();
    centres.into_iter().map(|centre| centre.name).collect()
}

#[test]
fn a_full_and_a_short_row_are_read() {
    let centres = parse(FULL).unwrap();
    let expected = Centre {
        id: "cong-son".parse().unwrap(),
        name: "Công Sơn".into(),
        area: Some("Cao Lộc".into()),
        isp: Some("VNPT".into()),
        latitude: Some(21.85),
        longitude: Some(106.76),
        hours: Hours::parse("07:30-11:30 13:30-17:00", "mon-sat").ok(),
        notes: Some("gần chợ, tầng 2".into()),
    };
    assert_eq!(centres[0], expected);
    assert_eq!((&centres[1].area, &centres[1].hours), (&None, &None));
}

#[test]
fn spreadsheets_have_their_ways() {
    let expected = parse(FULL).unwrap();
    let with_mark = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    assert_eq!(parse(&with_mark).unwrap(), expected);
    let semicolons = "\
ID;Name;Area;ISP;Latitude;Longitude;Hours;Days;Notes
cong-son;Công Sơn;Cao Lộc;VNPT;21,85;106,76;07:30-11:30 13:30-17:00;mon-sat;gần chợ, tầng 2
;;;;;;;;
binh-gia;Bình Gia;;;;;;;
";
    assert_eq!(parse(semicolons).unwrap(), expected);
    assert_eq!(parse(&semicolons.replace(';', "\t")).unwrap(), expected);
}

#[test]
fn few_columns_in_any_order_are_enough() {
    assert_eq!(names("name,id\nCông Sơn,cong-son\n"), ["Công Sơn"]);
    assert_eq!(names("id,name\n"), [""; 0]);
    let centres = parse("id,name,hours\na,A,07:30-11:30").unwrap();
    let hours = centres[0].hours.as_ref().unwrap();
    assert_eq!(hours.days(), "mon-fri");
}

#[test]
fn names_are_kept_in_one_unicode_form() {
    let decomposed = "id,name\na,Co\u{302}ng So\u{31b}n\n";
    assert_eq!(names(decomposed), ["Công Sơn"]);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = "\
id,name,colour,latitude,longitude,hours,days,name
cong-son,,,,,,,
Công Sơn,B,,91,106.7,,,
a,A,,21.8,,25:00-26:00,,
a,A again,,x,1,07:30-11:30,someday,
b,B
c,C,,,,,mon,
,D,,,,,,
\"e
f\",E,,,,,,
g,\"two
lines\",,,,,,
";
    let mistakes = parse(text).unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let expected = [
        "1: unknown column \"colour\"",
        "1: two columns are called \"name\"",
        "2: name is missing",
        "3: id: \"Công Sơn\" is no id",
        "3: latitude \"91\" is no number of degrees from -90 to 90",
        "4: latitude and longitude go together",
        "4: hours or days: \"25:00-26:00\" is no period",
        "5: id a is also on line 4",
        "5: latitude \"x\" is no number",
        "5: hours or days: \"someday\" is no day",
        "6: 2 fields where the header has 8",
        "7: days without hours",
        "8: id is missing",
        "9: id: \"e\\nf\" is no id",
        "11: name has control characters or line ends",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told:?} is not {expected:?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    assert!(told[3].ends_with("\"cong-son\" would do"), "{}", told[3]);
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    let text = "id,name\n\n\nA,A\na,\"A\nA\"\n  \nb,B\n\nB,B";
    for end in ["\n", "\r\n", "\r"] {
        let mistakes = parse(&text.replace('\n', end)).unwrap_err();
        let lines: Vec<u64> = mistakes.iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [4, 5, 10], "{end:?}");
    }
}

#[test]
fn a_file_without_centres_says_what_is_missing() {
    let told = |text: &str| {
        let mistakes = parse(text).unwrap_err();
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(told("")[0].contains("the file is empty"));
    assert_eq!(told("code\n1\n").len(), 3);
    assert!(told("id\na\n")[0].contains("no column \"name\""));
    let long = format!("id,name\na,{}\n", "x".repeat(LABEL_BYTES + 1));
    assert!(told(&long)[0].contains("name is longer than 128 bytes"));
}

#[test]
fn degrees_are_numbers() {
    for bad in ["NaN", "inf", "1e9", "21.8N"] {
        let text = format!("id,name,latitude,longitude\na,A,{bad},1\n");
        assert!(parse(&text).is_err(), "{bad}");
    }
}

#[test]
fn what_is_no_text_says_how_to_save_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("centres.csv");
    std::fs::write(&path, b"id,name\na,C\xf4ng S\xf5n\n").unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("CSV UTF-8"), "{error}");
    std::fs::write(&path, "id,name\nA,A\nb,\n").unwrap();
    let error = read(&path).unwrap_err().to_string();
    let (first, second) = error.split_once('\n').unwrap();
    assert!(first.starts_with(&format!("{}:2: id", path.display())));
    assert!(second.ends_with(":3: name is missing"), "{second}");
    let missing = read(&folder.path().join("none.csv"));
    assert!(matches!(missing, Err(ReadError::Unreadable { .. })));
}
