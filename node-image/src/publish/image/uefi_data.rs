//! The keys for secure boot of an AMI that is there: they are registered with it and
//! never change.

use super::super::clients::Clients;
use super::super::error::{Call, Error, Kind};
use aws_sdk_ec2::types::{AttributeValue, ImageAttributeName};

/// Whether the AMI has the store of variables `wanted`, in Base64.
///
/// # Errors
/// It has another or none, or it cannot be seen which.
pub(super) async fn check(clients: &Clients, id: &str, wanted: &str) -> Result<(), Error> {
    let call = Call { action: "ec2:DescribeImageAttribute", region: &clients.region, thing: id };
    let ask = clients.ec2.describe_image_attribute().image_id(id);
    let answer = ask.attribute(ImageAttributeName::UefiData).send().await;
    let answer = answer.map_err(|error| {
        let mut error = call.failed(&error);
        let why = error.message;
        error.message =
            format!("whether {id} has the given keys for secure boot is not known: {why}");
        error
    })?;
    let is = answer.uefi_data().and_then(AttributeValue::value);
    compare(id, is, wanted).map_err(|error| error.in_region(&clients.region))
}

fn compare(id: &str, is: Option<&str>, wanted: &str) -> Result<(), Error> {
    // Base64 may be broken into lines.
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let is = is.map(plain).filter(|is| !is.is_empty());
    let text = match is {
        Some(is) if is == plain(wanted) => return Ok(()),
        Some(_) => format!("{id} is registered with other keys for secure boot (UEFI data)"),
        None => format!("{id} is registered without keys for secure boot (UEFI data)"),
    };
    Err(Error::new(Kind::Conflict, text).help(format!(
        "publish without them to leave it as it is; or, once nothing uses it, deregister {id} and \
         publish again"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ami_has_the_given_keys_or_it_is_said_what_it_has() {
        assert_eq!(compare("ami-1", Some("QU1aTlVFRkk="), "QU1aTlVFRkk="), Ok(()));
        assert_eq!(compare("ami-1", Some("QU1aTl\nVFRkk=\n"), "QU1aTlVFRkk="), Ok(()));
        for (is, said) in [
            (Some("QU1aTlVFRkn/"), "with other keys"),
            (Some(""), "without keys"),
            (None, "without keys"),
        ] {
            let error = compare("ami-1", is, "QU1aTlVFRkk=").unwrap_err();
            assert_eq!(error.kind, Kind::Conflict);
            assert!(error.message.contains(said), "{error}");
            assert!(error.help.is_some_and(|help| help.contains("deregister ami-1")));
        }
    }
}
