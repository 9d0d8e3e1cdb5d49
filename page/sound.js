// @ts-check
/** Ringing, keypad tones and speech. A browser lets a page sound only after a click, so all of it is off at first. */

/** @type {AudioContext | null} */
let audio = null;
/** @type {ReturnType<typeof setInterval> | undefined} */
let ring;

/** Turns sound on or off. Call it from a click. */
export function setSound(/** @type {boolean} */ on) {
  if (on) audio ??= new AudioContext();
  if (on) audio?.resume();
  else {
    audio?.suspend();
    speechSynthesis?.cancel();
  }
  isOn = on;
}

let isOn = false;

/** @param {number[]} pitches in hertz @param {number} seconds @param {number} loud */
function tone(pitches, seconds, loud) {
  if (!isOn || !audio) return;
  const gain = audio.createGain();
  const start = audio.currentTime;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(loud, start + 0.01);
  gain.gain.setValueAtTime(loud, start + seconds - 0.02);
  gain.gain.linearRampToValueAtTime(0, start + seconds);
  gain.connect(audio.destination);
  for (const pitch of pitches) {
    const it = audio.createOscillator();
    it.frequency.value = pitch;
    it.connect(gain);
    it.start(start);
    it.stop(start + seconds);
  }
}

/** Rings while any phone rings. */
export function ringWhile(/** @type {boolean} */ rings) {
  if (rings === Boolean(ring)) return;
  clearInterval(ring);
  ring = undefined;
  if (!rings) return;
  const once = () => tone([440, 480], 1.2, 0.06);
  once();
  ring = setInterval(once, 3000);
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];

/** The tone of a key: 0 to 9, * and #. */
export function keyTone(/** @type {string} */ key) {
  const at = "123456789*0#".indexOf(key);
  if (at >= 0) tone([ROWS[Math.floor(at / 3)], COLUMNS[at % 3]], 0.16, 0.05);
}

export const canSpeak = "speechSynthesis" in self;

/** Speaks a text, in place of what is being spoken. */
export function speak(/** @type {string} */ text) {
  speechSynthesis.cancel();
  const it = new SpeechSynthesisUtterance(text);
  it.lang = "en";
  speechSynthesis.speak(it);
}
