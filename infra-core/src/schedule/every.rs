//! How often.

use std::time::Duration;

/// How often somebody looks: whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every(u32);

/// Minutes of a day.
const DAY: u32 = 24 * 60;

impl Every {
    /// That often, if a timer can do it: a minute or more, whole ones.
    pub fn new(time: Duration) -> Result<Self, String> {
        let minutes = u32::try_from(time.as_secs() / 60).unwrap_or(u32::MAX);
        if !time.as_secs().is_multiple_of(60) || minutes == 0 || minutes > 31 * DAY {
            let seconds = time.as_secs();
            return Err(format!(
                "a timer counts whole minutes, up to 31 days: {seconds} s is not such a time (`drift --watch` takes it)"
            ));
        }
        Ok(Self(minutes))
    }

    /// Seconds.
    pub fn seconds(self) -> u64 {
        u64::from(self.0) * 60
    }

    /// `15min`, as systemd writes it.
    pub(super) fn span(self) -> String {
        match self.0 {
            n if n % DAY == 0 => format!("{}d", n / DAY),
            n if n % 60 == 0 => format!("{}h", n / 60),
            n => format!("{n}min"),
        }
    }

    /// The same as a cron schedule, moved by `of`'s own number of minutes, so that not all stacks are looked at on the hour.
    /// Refused is what cron cannot say: times that do not divide an hour or a day.
    pub fn cron(self, of: &str) -> Result<String, String> {
        let minutes = self.0;
        let hours = minutes / 60;
        let whole = minutes.is_multiple_of(60);
        let moved = |within: u32| {
            let sum =
                of.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            sum % within
        };
        if minutes == 1 {
            Ok("* * * * *".to_owned())
        } else if minutes < 60 && 60 % minutes == 0 {
            Ok(format!("{}-59/{minutes} * * * *", moved(minutes)))
        } else if minutes == 60 {
            Ok(format!("{} * * * *", moved(60)))
        } else if whole && hours < 24 && 24 % hours == 0 {
            let at = moved(minutes);
            Ok(format!("{} {}-23/{hours} * * *", at % 60, at / 60))
        } else if minutes == DAY {
            let at = moved(DAY);
            Ok(format!("{} {} * * *", at % 60, at / 60))
        } else {
            let able =
                [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, DAY];
            let below = able.iter().rev().find(|able| **able < minutes).copied().unwrap_or(1);
            let above = able.iter().find(|able| **able > minutes);
            let near = Self(below).span();
            let near =
                above.map_or(near.clone(), |above| format!("{near} or {}", Self(*above).span()));
            let own = self.span();
            Err(format!(
                "cron cannot say every {own}: it counts what divides an hour or a day, like {near} (`drift --watch` \
                 and systemd take any)"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(minutes: u64) -> Every {
        Every::new(Duration::from_mins(minutes)).unwrap()
    }

    #[test]
    fn what_divides_an_hour_or_a_day_is_a_schedule() {
        let cron = |minutes| every(minutes).cron("shop/prod").unwrap();
        let said = [1, 5, 15, 60, 120, 720, 1440].map(cron);
        insta::assert_snapshot!(said.join("\n"), @r"
        * * * * *
        0-59/5 * * * *
        5-59/15 * * * *
        20 * * * *
        20 1-23/2 * * *
        20 5-23/12 * * *
        20 17 * * *
        ");
        for minutes in [7, 45, 90, 300, 2 * 1440] {
            assert!(every(minutes).cron("shop/prod").is_err(), "{minutes}");
        }
        let error = every(45).cron("x").unwrap_err();
        assert!(error.contains("every 45min") && error.contains("like 30min or 1h"), "{error}");
        assert!(
            Every::new(Duration::from_secs(90)).is_err() && Every::new(Duration::ZERO).is_err()
        );
    }

    /// Every schedule starts as often as it was asked for, whatever it was moved by.
    #[test]
    fn a_day_has_as_many_looks_as_it_should() {
        for minutes in [2, 5, 15, 30, 60, 120, 360, 720, 1440] {
            for of in ["shop/prod", "shop/dev", "a/b", "platform/main"] {
                let cron = every(minutes).cron(of).unwrap();
                let mut fields = cron.split(' ');
                let (minute, hour) = (fields.next().unwrap(), fields.next().unwrap());
                let looks = matching(minute, 60) * matching(hour, 24);
                assert_eq!(looks as u64, 1440 / minutes, "{cron}");
            }
        }
    }

    /// How many numbers below `limit` a field of cron's means.
    fn matching(field: &str, limit: u32) -> usize {
        let (range, step) = field.split_once('/').unwrap_or((field, "1"));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None if range == "*" => (0, limit - 1),
            None => return 1,
        };
        (from..=to).step_by(step.parse().unwrap()).count()
    }
}
