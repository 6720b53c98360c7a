/**
 * Takes the place of the one native file of AWS's runtime client, which would have to be compiled: the same three
 * calls over the Runtime API. The original blocks until an answer is posted; this one lets `next` wait for it.
 */
const { Agent, request } = require('node:http')

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
let posted = Promise.resolve()

function call(method, path, body = '') {
  return new Promise((resolve, reject) => {
    const options = { agent, hostname, port, method, path: `/2018-06-01/runtime/invocation/${path}` }
    const sent = request(options, (response) => {
      let bodyJson = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        bodyJson += chunk
      })
      response.on('end', () => resolve({ bodyJson, headers: response.headers }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

module.exports = {
  async next() {
    await posted
    return call('GET', 'next')
  },
  done(id, body) {
    posted = call('POST', `${id}/response`, body)
  },
  error(id, body) {
    posted = call('POST', `${id}/error`, body)
  },
}
