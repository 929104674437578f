//! Names and values as an object in JSON, and as pairs in memory: a map would be the only one that
//! a page has to carry.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;

pub(super) fn serialize<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[test]
    fn pairs_are_an_object_and_come_back_in_their_order() {
        #[derive(Serialize, Deserialize)]
        struct Labelled(#[serde(with = "super")] Vec<(String, String)>);

        let json = r#"{"mount":"/a \"b\"","host":"web"}"#;
        let Labelled(pairs) = serde_json::from_str(json).unwrap();
        assert_eq!(pairs, [("mount".into(), "/a \"b\"".into()), ("host".into(), "web".into())]);
        assert_eq!(serde_json::to_string(&Labelled(pairs)).unwrap(), json);
        assert!(serde_json::from_str::<Labelled>("[]").is_err());
    }
}
