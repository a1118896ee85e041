//! Messages of the contract as JSON, as grpcurl and every other client of protobuf prints them.

use std::sync::LazyLock;

use anyhow::Context as _;
use podlight_proto::DESCRIPTORS;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Serialize as _;

static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).ok());

/// `message` in one line; in several, where it is `pretty`.
///
/// # Errors
/// None should be: the descriptors are those that the message was made from.
pub(crate) fn json<T: Message + Name>(message: &T, pretty: bool) -> anyhow::Result<String> {
    let message = DynamicMessage::decode(descriptor::<T>()?, message.encode_to_vec().as_slice())?;
    let mut text = Vec::new();
    if pretty {
        message.serialize(&mut serde_json::Serializer::pretty(&mut text))?;
    } else {
        message.serialize(&mut serde_json::Serializer::new(&mut text))?;
    }
    Ok(String::from_utf8(text)?)
}

/// The message that `text` says.
///
/// # Errors
/// It is no JSON, or no such message.
pub(crate) fn parse<T: Message + Name + Default>(text: &[u8]) -> anyhow::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let message = DynamicMessage::deserialize(descriptor::<T>()?, &mut json)?;
    json.end()?;
    Ok(T::decode(message.encode_to_vec().as_slice())?)
}

fn descriptor<T: Name>() -> anyhow::Result<MessageDescriptor> {
    POOL.as_ref().and_then(|pool| pool.get_message_by_name(&T::full_name())).context("its descriptor")
}

#[cfg(test)]
mod tests {
    use podlight_proto::v1;

    use super::*;

    #[test]
    fn names_are_those_of_the_contract_in_the_way_of_json() {
        let light = v1::NodeLight { condition: v1::node_light::Condition::NoStick.into(), ..v1::NodeLight::default() };
        let node = v1::Node { name: "pi-1".to_owned(), light: Some(light), cordoned: true, ..v1::Node::default() };
        assert_eq!(json(&node, false).unwrap(), r#"{"name":"pi-1","cordoned":true,"light":{"condition":"NO_STICK"}}"#);
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let wish = v1::IdentifyNodeRequest { owner: "ana".to_owned(), others_dim: true, ..Default::default() };
        assert_eq!(parse::<v1::IdentifyNodeRequest>(json(&wish, false).unwrap().as_bytes()).unwrap(), wish);
        for text in ["", "[]", r#"{"hold":"soon"}"#, r#"{"color":"red"}"#, "{} {}"] {
            parse::<v1::IdentifyNodeRequest>(text.as_bytes()).unwrap_err();
        }
    }
}
