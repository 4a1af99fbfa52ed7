// Keeps an open page true: fetches it again and takes over what has changed, and leaves alone what
// the reader has done. Also the filter, and copying of commands. Without it the page is read as it is.
'use strict';
(() => {
  const SEEN = 5000, UNSEEN = 30000, PATIENCE = 10000;
  const LOST = 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" ' +
    'viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#fff" stroke="#777" stroke-width="2"/>' +
    '<path d="M4 8h8" stroke="#777" stroke-width="2"/></svg>');
  const find = (id) => document.getElementById(id);
  // What is said already is not said again: it would be read out each time.
  const say = (id, text) => {
    if (find(id).textContent !== text) find(id).textContent = text;
  };
  document.documentElement.classList.add('js');

  // Takes over what `want` has and `have` has not. Elements with a key are the same by it, wherever
  // they stand; what the reader has opened, typed or focused stays.
  const key = (node) => (node.nodeType === 1 && (node.id || node.dataset.key)) || '';
  const alike = (a, b) => a.nodeName === b.nodeName && key(a) === key(b);

  function attributes(have, want) {
    const mine = (name) => name === 'hidden' || (name === 'open' && have.nodeName === 'DETAILS');
    for (const { name } of [...have.attributes]) {
      if (!mine(name) && !want.hasAttribute(name)) have.removeAttribute(name);
    }
    for (const { name, value } of want.attributes) {
      if (!mine(name) && have.getAttribute(name) !== value) have.setAttribute(name, value);
    }
  }

  function take(have, want) {
    if (have.nodeType !== 1) {
      if (have.data !== want.data) have.data = want.data;
      return;
    }
    if (have.nodeName === 'INPUT' || have.dataset.keep !== undefined) return;
    attributes(have, want);
    children(have, want);
  }

  function children(have, want) {
    const wanted = new Set([...want.childNodes].map(key).filter(Boolean));
    const own = new Map([...have.childNodes].map((node) => [key(node), node]));
    let at = have.firstChild;
    for (const next of want.childNodes) {
      while (at && key(at) && !wanted.has(key(at))) at = drop(at);
      const name = key(next);
      let found = name ? own.get(name) : at;
      if (!found || !alike(found, next)) {
        have.insertBefore(document.importNode(next, true), at);
        continue;
      }
      // What has the focus would lose it on the way, so the others move, if it stands behind them.
      if (found !== at && found.contains(document.activeElement) && follows(found, at)) {
        while (at && at !== found) at = aside(at, found);
      } else if (found !== at) {
        have.insertBefore(found, at);
      }
      if (found === at) at = at.nextSibling;
      take(found, next);
    }
    while (at) at = drop(at);
  }

  const follows = (node, other) =>
    other !== null && (other.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;

  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  function aside(node, behind) {
    const next = node.nextSibling;
    behind.after(node);
    return next;
  }

  // The words of the tab and its icon.
  function tab(title, icon) {
    if (document.title !== title) document.title = title;
    const link = document.querySelector('link[rel=icon]');
    if (link.getAttribute('href') !== icon) link.setAttribute('href', icon);
  }

  let timer = 0, good = new Date(), asked = 0;

  // Our page as it is now.
  async function ask() {
    const answer = await fetch(location.pathname + location.search,
      { cache: 'no-store', signal: AbortSignal.timeout?.(PATIENCE) });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    // Something else answers: a proxy, most likely, as our own pages all have the script.
    if (!script(page)) throw new Error('not our page');
    return page;
  }

  const script = (of) => of.querySelector('script[src]')?.getAttribute('src');

  async function refresh() {
    clearTimeout(timer);
    const mine = ++asked;
    let page = null;
    try { page = await ask(); } catch { /* told below */ }
    // Whoever was asked later knows it better.
    if (mine !== asked) return;
    plan();
    if (page) apply(page);
    else lost();
  }

  function apply(page) {
    // Another version of the exporter, with another script and style.
    if (script(page) !== script(document)) return location.reload();
    good = new Date();
    tab(page.title, page.querySelector('link[rel=icon]').getAttribute('href'));
    say('lost', '');
    take(find('main'), page.getElementById('main'));
    const projects = page.getElementById('projects');
    if (projects && find('projects')) take(find('projects'), projects);
    filter();
  }

  function lost() {
    const machine = document.body.dataset.machine;
    tab('no answer' + (machine && ' · ' + machine), LOST);
    say('lost', 'No answer from the exporter since ' + good.toLocaleTimeString('en-GB') +
      '. What stands below is from then.');
  }

  // In the background only the tab is looked at, so seldom is enough.
  function plan() {
    clearTimeout(timer);
    timer = setTimeout(refresh, document.hidden ? UNSEEN : SEEN);
  }

  // Rows that have all the words; "project:shop" is the project alone. The address keeps it.
  const box = find('filter');
  const opened = new Set();

  function filter() {
    if (!box) return;
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => {
      if (words.length === 0) return true;
      const text = ((row.dataset.words || '') + ' ' + row.textContent).toLowerCase();
      const project = (row.dataset.project || '').toLowerCase();
      return words.every((word) => word.startsWith('project:') ?
        project === word.slice(8) : text.includes(word));
    };
    const rows = [...document.querySelectorAll('[data-row]')];
    for (const row of rows) row.hidden = !fits(row);
    const shown = rows.filter((row) => !row.hidden);
    for (const group of document.querySelectorAll('[data-group]')) {
      group.hidden = words.length > 0 && !shown.some((row) => group.contains(row));
    }
    // What is folded opens for what is found in it, and closes again; what is gone is forgotten.
    for (const fold of opened) {
      if (!fold.isConnected) opened.delete(fold);
    }
    for (const fold of document.querySelectorAll('details[data-fold]')) {
      if (words.length > 0 && !fold.open && shown.some((row) => fold.contains(row))) {
        fold.open = true;
        opened.add(fold);
      } else if (words.length === 0 && opened.delete(fold)) {
        fold.open = false;
      }
    }
    say('found', words.length > 0 ? shown.length + ' of ' + rows.length : '');
  }

  function from_address() {
    const match = /^#filter=(.*)$/.exec(location.hash);
    if (box && match) {
      try { box.value = decodeURIComponent(match[1]); } catch { return; }
      filter();
    }
  }

  // Only pages of https and of this machine may use the clipboard; elsewhere the older way is left.
  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (!done) throw new Error('not copied');
  }

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button.copy');
    if (!button || button.dataset.keep !== undefined) return;
    let word = 'Copied';
    try { await copy(button.parentElement.querySelector('[data-text]').textContent); } catch { word = 'Not allowed'; }
    const label = button.getAttribute('aria-label');
    button.dataset.keep = '';
    button.textContent = word;
    button.removeAttribute('aria-label');
    button.focus();
    setTimeout(() => {
      delete button.dataset.keep;
      button.textContent = 'Copy';
      button.setAttribute('aria-label', label);
    }, 2000);
  });

  if (box) {
    box.addEventListener('input', () => {
      const hash = box.value ? '#filter=' + encodeURIComponent(box.value) : ' ';
      history.replaceState(null, '', hash === ' ' ? location.pathname + location.search : hash);
      filter();
    });
    addEventListener('hashchange', from_address);
    from_address();
  }
  if (document.body.dataset.live !== undefined) {
    document.addEventListener('visibilitychange', () => document.hidden ? plan() : refresh());
    plan();
  }
})();
