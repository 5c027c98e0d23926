//! Why a device did not say what it was asked, in the words of `dawnwatch_device_poll_outcome`.

/// Why there is no answer, or not all of it. Says nothing of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Nothing came back in time, however often it was asked.
    #[error("it does not answer SNMP; see whether it is on, and whether the community is right")]
    Timeout,
    /// There is a machine, and nothing listens at its port.
    #[error("it refuses SNMP at this port; turn SNMP on in its settings")]
    Refused,
    /// There is no way to its address.
    #[error("there is no way to its address; see whether this machine is in its network")]
    Unreachable,
    /// It does not accept who asks.
    #[error("it does not accept the user or password of SNMPv3; compare them with its settings")]
    Unauthorized,
    /// Something came back that is no answer.
    #[error("its answers cannot be read as SNMP")]
    Unreadable,
    /// It says that it cannot.
    #[error("it answers with the error {0}")]
    Failed(&'static str),
    /// A walk came to where it had been.
    #[error("a table of it has no end: what comes next came before")]
    Loop,
    /// A table had more rows than were asked for.
    #[error("a table of it is longer than is read")]
    TooMany,
    /// What asking it once may take was used up.
    #[error("it takes too long to tell everything")]
    Budget,
    /// This machine cannot ask.
    #[error("this machine cannot send: {0}")]
    Here(std::io::ErrorKind),
    /// What is known of the device does not make a request.
    #[error("the user, password or community set for it cannot be used; set them anew")]
    Unusable,
}

impl Trouble {
    /// In one word of the `outcome` label.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Unreadable => "unreadable",
            Self::Failed(_) | Self::Here(_) | Self::Unusable => "failed",
            // There were answers, and more would have come.
            Self::Loop | Self::TooMany | Self::Budget => "partly",
        }
    }

    /// Whether asking the same device for something else is pointless now.
    pub(crate) fn is_final(self) -> bool {
        match self {
            Self::Timeout
            | Self::Refused
            | Self::Unreachable
            | Self::Unauthorized
            | Self::Budget
            | Self::Here(_)
            | Self::Unusable => true,
            Self::Unreadable | Self::Failed(_) | Self::Loop | Self::TooMany => false,
        }
    }
}
