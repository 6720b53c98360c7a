import { fetchClientSession } from '/session.js'

const part = (id) => document.getElementById(id)

const response = await fetch('/facts.json')
const facts = await response.json()
if (response.ok) showUsers()
else say(`${facts.error} Load this page again.`, 'wrong')

function showUsers() {
  const buttons = facts.users.map((sub) => {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: sub })
    button.ariaPressed = 'false'
    button.addEventListener('click', () => show(sub))
    return button
  })
  const other = Object.assign(document.createElement('input'), {
    placeholder: 'or anybody else',
    name: 'sub',
  })
  other.ariaLabel = 'Another user'
  part('users').replaceChildren(...buttons, other)
  part('users').addEventListener('submit', (event) => {
    event.preventDefault()
    if (other.value.trim() !== '') void show(other.value.trim())
  })
  say('Nobody is signed in.')
}

/** The latest choice: what an earlier one still fetches is not shown any more. */
let chosen

async function show(sub) {
  chosen = sub
  for (const button of part('users').querySelectorAll('button'))
    button.ariaPressed = String(button.textContent === sub)
  hide()
  say(`Signing in as ${sub} …`)
  try {
    const session = await fetchClientSession(facts, sub)
    if (chosen !== sub) return
    showSession(session)
    showDevices(session)
    say(`Signed in as ${sub}.`)
  } catch (error) {
    if (chosen === sub) say(error.message, 'wrong')
  }
}

function hide() {
  part('session').hidden = true
  part('devices').hidden = true
  part('devices').replaceChildren()
}

function showSession({ status, token, client_session_id, refresh_in }) {
  part('answer').textContent = status === 201 ? '201, a new client session' : '200, the one there was'
  // Enough to tell two apart, too little to use.
  part('token').textContent = `${token.slice(0, 9)}${'•'.repeat(12)}${token.slice(-4)}`
  part('client-session-id').textContent = client_session_id
  part('refresh-in').textContent = `${Math.round(refresh_in / 60)} minutes`
  part('session').hidden = false
}

/** Seam's own component. It calls Seam from here, with the token and nothing else. */
function showDevices({ token, endpoint }) {
  const table = document.createElement('seam-device-table')
  const attributes = {
    'client-session-token': token,
    endpoint,
    'disable-css-injection': 'true',
    'disable-font-injection': 'true',
    'disable-telemetry': 'true',
  }
  for (const [name, value] of Object.entries(attributes)) table.setAttribute(name, value)
  part('devices').replaceChildren(table)
  part('devices').hidden = false
}

function say(text, kind = '') {
  part('status').textContent = text
  part('status').className = kind
}
