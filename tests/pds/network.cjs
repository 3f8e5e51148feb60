// A real personal data server with a few posts, and a real AppView where DB_POSTGRES_URL and REDIS_HOST name its
// stores. Says in one line of JSON where they are, and ends when its standard input does.
const { createRequire } = require('node:module')
const { TestNetwork, TestNetworkNoAppView } = createRequire(`${process.cwd()}/`)('@atproto/dev-env')

const PASSWORD = 'a-password-of-the-tests'

async function account(network, name) {
  const agent = network.pds.getClient()
  const handle = `${name}.test`
  await agent.createAccount({ email: `${name}@example.test`, handle, password: PASSWORD })
  return agent
}

async function main() {
  const schema = String(Date.now()).replace(/\d/g, (digit) => 'abcdefghij'[digit])
  const hasAppView = Boolean(process.env.DB_POSTGRES_URL && process.env.REDIS_HOST)
  const network = await (hasAppView
    ? TestNetwork.create({ dbPostgresSchema: `cxlisten_${schema}` })
    : TestNetworkNoAppView.create())
  const alice = await account(network, 'alice')
  const bob = await account(network, 'bob')
  const posts = []
  for (let n = 0; n < 7; n++) {
    const text = n === 0 ? 'kettle 🫖 at example.org/a/long...' : `kettle no ${n}`
    const link = { $type: 'app.bsky.richtext.facet#link', uri: 'https://example.org/a/long/address' }
    const facets = n === 0 ? [{ index: { byteStart: 15, byteEnd: 36 }, features: [link] }] : undefined
    const reply = n === 1 ? { root: posts[0], parent: posts[0] } : undefined
    const embed = n === 2 ? { $type: 'app.bsky.embed.record', record: posts[0] } : undefined
    const { uri, cid } = await alice.post({ text, facets, reply, embed, langs: ['en'] })
    posts.push({ uri, cid })
  }
  const deleted = (await alice.post({ text: 'kettle that goes' })).uri
  const closed = (await bob.post({ text: 'kettle of bob' })).uri
  await alice.post({ text: 'a lamp' })
  await network.processAll()
  await alice.deletePost(deleted)
  await bob.com.atproto.server.deactivateAccount({})
  await network.processAll()
  console.log(JSON.stringify({
    pds: network.pds.url, appview: hasAppView ? network.bsky.url : null, handle: 'alice.test', password: PASSWORD,
    posts, deleted, closed,
  }))
  process.stdin.resume()
  process.stdin.on('end', () => network.close().finally(() => process.exit(0)))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
