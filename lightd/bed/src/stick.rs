//! The model of a stick: control transfers in, answers and lit LEDs out, as its firmware does it.
//!
//! Pure, and for any bed: knows neither who carries the transfers nor when. It keeps a log of all that it was asked, and
//! fails on demand. For the BlinkStick and the Pro the published firmware is the source, for the newer models what
//! clients have seen of them.

use std::collections::VecDeque;

use crate::descriptors;

/// A control transfer that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The stick refuses.
    Stall,
    /// The stick says nothing at all, until whoever asked gives up.
    Silence,
    /// What it says isn't understood (EPROTO): it is busy with its LEDs.
    Garbled,
    /// It answers with nothing. A transfer to it isn't taken.
    Short,
    /// It is pulled out in the midst of it.
    Vanish,
}

/// A control transfer that the stick was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The setup packet.
    pub setup: [u8; 8],
    /// What came with it.
    pub data: Vec<u8>,
    /// How it failed.
    pub fault: Option<Fault>,
}

/// A model of BlinkStick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    BlinkStick,
    Pro,
    Square,
    Strip,
    Nano,
    Flex,
}

/// A BlinkStick that is made of software.
#[derive(Clone, Debug)]
pub struct EmulatedStick {
    pub(crate) model: Model,
    pub(crate) serial: String,
    pub(crate) bcd_device: u16,
    /// In EEPROM.
    mode: u8,
    /// In EEPROM: the LEDs of a Flex.
    count: u8,
    /// What the LEDs show, as (R, G, B).
    leds: Vec<[u8; 3]>,
    /// The colors of the last frame report, as they came; the channels share it.
    frame: Vec<u8>,
    /// Dark until it is plugged in again.
    stuck: bool,
    faults: VecDeque<Fault>,
    log: Vec<Transfer>,
}

const GET: u8 = 0x01;
const SET: u8 = 0x09;
const NORMAL: u8 = 0;
const INVERSE: u8 = 1;
const FRAMES: u8 = 2;
const MIRROR: u8 = 3;
/// LEDs of a channel, at most.
const CHANNEL: usize = 64;

impl EmulatedStick {
    /// A BlinkStick with this serial (`BSnnnnnn-1.m`).
    pub fn blinkstick(serial: &str) -> Self {
        Self::new(Model::BlinkStick, serial, 0x0200, 1)
    }

    /// A Pro with this serial (`BSnnnnnn-2.m`), in mode 2.
    pub fn pro(serial: &str) -> Self {
        Self::new(Model::Pro, serial, 0x0200, 3 * CHANNEL)
    }

    /// A Square with this serial (`BSnnnnnn-3.m`), in mode 2.
    pub fn square(serial: &str) -> Self {
        Self::new(Model::Square, serial, 0x0200, 8)
    }

    /// A Strip with this serial (`BSnnnnnn-3.m`), in mode 2.
    pub fn strip(serial: &str) -> Self {
        Self::new(Model::Strip, serial, 0x0201, 8)
    }

    /// A Nano with this serial (`BSnnnnnn-3.m`), in mode 2.
    pub fn nano(serial: &str) -> Self {
        Self::new(Model::Nano, serial, 0x0202, 2)
    }

    /// A Flex with this serial (`BSnnnnnn-3.m`) and so many LEDs, in mode 2.
    pub fn flex(serial: &str, leds: u8) -> Self {
        Self { count: leds, ..Self::new(Model::Flex, serial, 0x0203, 32) }
    }

    fn new(model: Model, serial: &str, bcd_device: u16, leds: usize) -> Self {
        Self {
            model,
            serial: serial.to_owned(),
            bcd_device,
            mode: FRAMES,
            count: 0,
            leds: vec![[0; 3]; leds],
            frame: vec![0; 3 * CHANNEL],
            stuck: false,
            faults: VecDeque::new(),
            log: Vec::new(),
        }
    }

    /// The same in another mode.
    #[must_use]
    pub fn in_mode(self, mode: u8) -> Self {
        Self { mode, ..self }
    }

    /// The same; its next `times` transfers fail after those that are to fail already.
    #[must_use]
    pub fn failing(mut self, fault: Fault, times: usize) -> Self {
        self.fail(fault, times);
        self
    }

    /// Makes the next `times` reports sent to it or asked of it fail, after those that are to fail already.
    pub fn fail(&mut self, fault: Fault, times: usize) {
        self.faults.extend(std::iter::repeat_n(fault, times));
    }

    /// What its LEDs show, as (R, G, B). LED `i` of a Pro's channel `c` is `64 × c + i`.
    pub fn leds(&self) -> &[[u8; 3]] {
        &self.leds
    }

    /// The mode in its EEPROM.
    pub fn mode(&self) -> u8 {
        self.mode
    }

    /// Every report sent to it or asked of it since it was made. A replug doesn't end it.
    pub fn log(&self) -> &[Transfer] {
        &self.log
    }

    /// The data of the reports sent to it that it took, in order.
    pub fn reports(&self) -> Vec<&[u8]> {
        let took = |sent: &&Transfer| sent.fault.is_none() && sent.setup[1] == SET;
        self.log.iter().filter(took).map(|sent| sent.data.as_slice()).collect()
    }

    /// It gets power: what was in its RAM is gone.
    pub fn power_up(&mut self) {
        self.leds.fill([0; 3]);
        self.frame.fill(0);
        self.stuck = false;
    }

    /// Answers a control transfer.
    ///
    /// # Errors
    /// How it fails: on demand, or by a stall where even the USB standard has no answer.
    pub fn control(&mut self, setup: [u8; 8], data: &[u8]) -> Result<Vec<u8>, Fault> {
        let length = usize::from(u16::from_le_bytes([setup[6], setup[7]]));
        // The firmware looks at the class bit, the request and the low byte of the value only.
        let mut answer = match (setup[0] & 0x60, setup[1]) {
            (0, _) => descriptors::answer(self, setup).ok_or(Fault::Stall)?,
            (_, GET | SET) => self.report(setup, data)?,
            // usbhid's SET_IDLE, for one.
            _ => Vec::new(),
        };
        answer.truncate(length);
        Ok(answer)
    }

    /// How many bytes of `data` it took, where it answered: all, or none as a fault.
    pub(crate) fn taken(&self, data: &[u8]) -> usize {
        let short = self.log.last().is_some_and(|sent| sent.fault == Some(Fault::Short));
        if short { 0 } else { data.len() }
    }

    fn report(&mut self, setup: [u8; 8], data: &[u8]) -> Result<Vec<u8>, Fault> {
        let fault = self.faults.pop_front();
        self.log.push(Transfer { setup, data: data.to_vec(), fault });
        match fault {
            Some(Fault::Short) => Ok(Vec::new()),
            Some(fault) => Err(fault),
            None if setup[0] & 0x80 == 0 && setup[1] == SET => {
                self.take(setup[2], data);
                Ok(Vec::new())
            }
            None if setup[0] & 0x80 != 0 && setup[1] == GET => Ok(self.tell(setup[2])),
            None => Ok(Vec::new()),
        }
    }

    /// A report that it is sent. What it doesn't know it acknowledges all the same.
    fn take(&mut self, id: u8, data: &[u8]) {
        match (id, data) {
            (0x01, &[_, r, g, b]) => self.light(0, [r, g, b]),
            (0x04, &[_, mode]) if self.model != Model::BlinkStick => {
                self.mode = mode;
                let newer = self.model != Model::Pro;
                self.stuck |= newer && matches!(mode, NORMAL | INVERSE);
                if self.stuck {
                    self.leds.fill([0; 3]);
                }
            }
            (0x05, &[_, channel, index, r, g, b]) if self.takes_frames() => {
                // On the real one, an index beyond the LEDs overwrites other variables.
                let led = self.first(channel) + usize::from(index);
                assert!(led < self.leds.len(), "report 5 with index {index} corrupts the stick's RAM");
                self.light(led, [r, g, b]);
            }
            (0x06..=0x09, [_, channel, colors @ ..]) if self.takes_frames() => {
                self.frame.fill(0);
                self.frame.iter_mut().zip(colors).for_each(|(slot, color)| *slot = *color);
                let first = self.first(*channel);
                for (led, grb) in colors.chunks_exact(3).enumerate().take(self.leds.len().min(CHANNEL)) {
                    self.light(first + led, [grb[1], grb[0], grb[2]]);
                }
            }
            (0x81, &[_, count]) if self.model == Model::Flex => self.count = count,
            _ => {}
        }
    }

    /// A report that it is asked for. What it doesn't know is short.
    fn tell(&self, id: u8) -> Vec<u8> {
        let frame = |slots: usize| [&[id, 0], &self.frame[..3 * slots]].concat();
        match (id, self.model) {
            (0x01, _) => [&[id], &self.leds[0][..]].concat(),
            (0x02 | 0x03, _) => [&[id][..], &[0; 32]].concat(),
            (_, Model::BlinkStick) => Vec::new(),
            (0x04, _) => vec![id, self.mode],
            (0x06, _) => frame(8),
            (0x07, _) => frame(16),
            (0x08, _) => frame(32),
            (0x09, _) => frame(64),
            (0x81, Model::Flex) => vec![id, self.count],
            _ => Vec::new(),
        }
    }

    fn takes_frames(&self) -> bool {
        match self.model {
            Model::BlinkStick => false,
            Model::Pro => self.mode == FRAMES,
            Model::Square | Model::Strip | Model::Nano | Model::Flex => true,
        }
    }

    /// The first LED of a channel, which only a Pro has.
    fn first(&self, channel: u8) -> usize {
        if self.model == Model::Pro { CHANNEL * usize::from(channel.min(2)) } else { 0 }
    }

    fn light(&mut self, led: usize, rgb: [u8; 3]) {
        let rgb = if self.mode == INVERSE { rgb.map(|part| 255 - part) } else { rgb };
        if self.stuck {
        } else if self.mode == MIRROR {
            self.leds.fill(rgb);
        } else {
            self.leds[led] = rgb;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(stick: &mut EmulatedStick, data: &[u8]) -> Result<Vec<u8>, Fault> {
        stick.control([0x20, SET, data[0], 0, 0, 0, data.len() as u8, 0], data)
    }

    fn get(stick: &mut EmulatedStick, id: u8, length: u8) -> Result<Vec<u8>, Fault> {
        stick.control([0xA0, GET, id, 0, 0, 0, length, 0], &[])
    }

    #[test]
    fn a_nano_shows_the_frame_it_is_sent_and_gives_it_back() {
        let mut nano = EmulatedStick::nano("BS012345-3.0");
        let mut report = vec![0x06, 0, 0x28, 0, 0, 0, 0x28, 0];
        report.resize(26, 0);
        assert_eq!(set(&mut nano, &report), Ok(vec![]));
        assert_eq!(nano.leds(), [[0, 40, 0], [40, 0, 0]]);
        assert_eq!(get(&mut nano, 0x06, 26), Ok(report));
        nano.power_up();
        assert_eq!(nano.leds(), [[0; 3]; 2]);
    }

    #[test]
    fn a_pro_ignores_frames_outside_mode_2() {
        let mut pro = EmulatedStick::pro("BS012345-2.2").in_mode(0);
        let frame = [&[0x09, 2][..], &[1, 2, 3].repeat(64)].concat();
        set(&mut pro, &frame).unwrap();
        assert_eq!(pro.leds()[191], [0; 3]);
        set(&mut pro, &[0x04, 2]).unwrap();
        set(&mut pro, &frame).unwrap();
        assert_eq!((pro.leds()[127], pro.leds()[128], pro.leds()[191]), ([0; 3], [2, 1, 3], [2, 1, 3]));
    }

    #[test]
    fn a_nano_in_mode_0_is_dark_until_it_gets_power_anew() {
        let mut nano = EmulatedStick::nano("BS012345-3.0");
        set(&mut nano, &[0x04, 0]).unwrap();
        set(&mut nano, &[0x01, 9, 9, 9]).unwrap();
        assert_eq!(nano.leds()[0], [0; 3]);
    }

    #[test]
    fn what_the_firmware_does_not_know_is_acknowledged_and_short() {
        let mut first = EmulatedStick::blinkstick("BS012345-1.0");
        assert_eq!(set(&mut first, &[0x04, 2]), Ok(vec![]));
        assert_eq!(get(&mut first, 0x04, 2), Ok(vec![]));
        assert_eq!(get(&mut first, 0x81, 2), Ok(vec![]));
        assert_eq!(get(&mut EmulatedStick::flex("BS012345-3.0", 20), 0x81, 2), Ok(vec![0x81, 20]));
    }

    #[test]
    fn what_a_kernel_asks_of_every_device_is_no_report() {
        let mut nano = EmulatedStick::nano("BS012345-3.0").failing(Fault::Stall, 1);
        let (configure, idle) = ([0x00, 0x09, 1, 0, 0, 0, 0, 0], [0x21, 0x0A, 0, 0, 0, 0, 0, 0]);
        assert_eq!((nano.control(configure, &[]), nano.control(idle, &[])), (Ok(vec![]), Ok(vec![])));
        let reports = nano.control([0x81, 0x06, 0, 0x22, 0, 0, 255, 0], &[]).unwrap();
        assert_eq!((reports.len(), reports.last()), (usize::from(descriptors::CONFIGURATIONS[25]), Some(&0xC0)));
        assert!(nano.log().is_empty());
    }

    #[test]
    fn it_fails_as_often_as_told_and_logs_it() {
        let mut nano = EmulatedStick::nano("BS012345-3.0").failing(Fault::Stall, 1).failing(Fault::Short, 1);
        assert_eq!(set(&mut nano, &[0x01, 1, 2, 3]), Err(Fault::Stall));
        assert_eq!(get(&mut nano, 0x04, 2), Ok(vec![]));
        assert_eq!(get(&mut nano, 0x04, 2), Ok(vec![4, 2]));
        let faults: Vec<_> = nano.log().iter().map(|sent| sent.fault).collect();
        assert_eq!(faults, [Some(Fault::Stall), Some(Fault::Short), None]);
        assert!(nano.reports().is_empty());
    }
}
