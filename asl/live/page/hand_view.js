// "My hand": it shows a sign to make, and learns how this hand makes it.

const $ = (id) => document.getElementById(id);
const SHOTS = 3;
const APART = 300; // milliseconds between two frames of one sign

export function handView(facts, engine) {
  // Letters first. A digit with the hand of a letter needs no lesson of its own.
  const alone = facts.signs.filter((sign) => !facts.answers.some((a) => a.includes(" or ") && a.split(" or ")[0] === sign));
  const signs = [...alone.filter((s) => /[a-z]/.test(s)), ...alone.filter((s) => /\d/.test(s))];
  let [current, last, waiting] = [signs.find((sign) => !engine.taught()[sign]) ?? signs[0], null, 0];
  let [due, failed] = [0, 0];
  let asked = false; // whether to forget: what comes next must be a second press

  const buttons = new Map(
    signs.map((sign) => {
      const button = document.createElement("button");
      button.type = "button";
      button.addEventListener("click", () => choose(sign));
      $("signs").append(button);
      return [sign, button];
    }),
  );

  function show(message) {
    asked = false;
    const taught = engine.taught();
    for (const [sign, button] of buttons) {
      button.textContent = taught[sign] ? `${sign} ✓` : sign;
      button.setAttribute("aria-label", taught[sign] ? `${sign}, ${taught[sign]} frames taken` : `${sign}, not taught`);
      button.setAttribute("aria-pressed", sign === current);
    }
    const motion = facts.motions.includes(current) ? " It is a motion: hold the moment shown." : "";
    $("ask").textContent = message ?? `Make ${current} and hold it, then take.${motion}`;
    showSign($("hand-sign"), current);
    $("repeat").disabled = last === null;
    $("take").disabled = waiting > 0;
    const some = Object.keys(taught).length;
    $("save").hidden = !engine.file || !some;
    $("forget").disabled = !some;
    $("forget-text").textContent = "Forget my hand";
    $("kept").textContent = some ? `Taught: ${some} ${some === 1 ? "sign" : "signs"}. ${engine.kept}` : `Nothing is taught yet. ${engine.kept}`;
  }
  function choose(sign) {
    [current, waiting] = [sign, 0];
    show();
  }
  const away = (steps) => signs[(signs.indexOf(current) + steps + signs.length) % signs.length];
  const next = () => away(1);

  async function begin() {
    if (waiting) return;
    const sign = (last = current);
    await engine.forget(sign); // taken again, it replaces what was taken before
    if (sign !== current) return;
    [waiting, due, failed] = [SHOTS, 0, 0];
    show(`Hold ${sign} …`);
  }
  async function repeat() {
    if (last !== null) choose(last);
    await begin();
  }
  /** Forgets everything at the second press in a row: nothing brings it back. */
  async function forget() {
    if ($("forget").disabled) return;
    if (!asked) {
      choose(current); // what is being taken is not finished
      // On a phone the button is far below the line that asks.
      $("forget-text").textContent = "Really forget my hand?";
      $("ask").textContent = "Everything that is taught will be forgotten. Press it again if you mean it.";
      asked = true;
      return;
    }
    last = null;
    await engine.forget();
    choose(signs[0]);
  }
  function save() {
    if (!$("save").hidden) $("save").click();
  }

  $("take").addEventListener("click", begin);
  $("skip").addEventListener("click", () => choose(next()));
  $("repeat").addEventListener("click", repeat);
  // A double click is one press, and so is a key that is held.
  $("forget").addEventListener("click", (event) => event.detail < 2 && forget());
  $("forget").addEventListener("keydown", (event) => event.repeat && event.preventDefault());
  show();
  return {
    enter: () => show(),
    /** Takes the frame as a shot if one is due. */
    async frame({ canvas, time }) {
      if (!waiting || time < due) return;
      due = Infinity; // another frame may come before this one is learnt
      const sign = current;
      const answer = await engine.teach(sign, canvas).finally(() => (due = time + APART / 1000));
      if (sign !== current || !waiting) return; // given up in the meantime
      if (answer.hand > 0.5) waiting--;
      else failed++;
      if (failed > 10) {
        waiting = 0;
        show("No hand is seen. Hold it up, with all of it in the picture, and take again.");
      } else if (waiting) {
        $("ask").textContent = `Hold ${current} … ${SHOTS - waiting} of ${SHOTS}`;
      } else {
        current = next();
        show(`${sign} is taught. Next, make ${current}.`);
      }
    },
    key(key, repeated) {
      const does = {
        Enter: begin,
        s: () => choose(next()),
        r: repeat,
        ArrowLeft: () => choose(away(-1)),
        ArrowRight: () => choose(next()),
        f: save,
        Backspace: () => repeated || forget(),
      }[key.length === 1 ? key.toLowerCase() : key];
      does?.();
      return does !== undefined;
    },
  };
}

/** Shows a sign from two sides, as in a mirror. */
export function showSign(image, sign) {
  image.hidden = false;
  image.src = `signs/${sign}.webp`;
  image.alt = `The sign ${sign}, rendered, from two sides, as a right hand shows it in a mirror.`;
}
