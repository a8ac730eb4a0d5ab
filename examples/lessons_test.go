package examples_test

// lessons says what each lesson prints, as patterns for parts of its output, in the
// order of README.md.
var lessons = map[string][]string{
	"hello": {
		`^server: received Hello 1\n`,
		`client: received World, Hello 1\n(.*\n)*client: received World, Hello 5\n$`,
	},
	"weather": {
		`place 10001: -?\d+\.\d degrees on average of 20 reports\n`,
		`place 10002: -?\d+\.\d degrees on average of 20 reports\n`,
	},
	"envelope": {
		`^\[B\] \["we would like to see this"\]\n\[Bear\] \["begins with B too"\]\n\[end\] \["from now on there is silence" "and a third frame"\]\n$`,
	},
	"workers": {
		`worker 1 did \d+ tasks\nworker 2 did \d+ tasks\nworker 3 did \d+ tasks\n`,
		`\n78498 primes below 1000000\n$`,
	},
	"killsignal": {
		`^sink: has all 100 results\n`,
		`(worker [123]: is told to stop\n(.*\n)*){3}$`,
		`(worker [123]: leaves after (33|34) tasks\n(.*\n)*){3}$`,
	},
	"poller": {
		`^(task \d+ is done\n|hail at \d+ o'clock\n|beacon of service 1\n){14}10 tasks, 3 warnings of hail, 1 beacon\n$`,
		`^(.*\n)*task 1 is done\n(.*\n)*task 10 is done\n`,
		`hail at 0 o'clock\n(.*\n)*hail at 8 o'clock\n(.*\n)*hail at 16 o'clock\n`,
	},
	"relay": {`^step 2: step 1 is ready\nstep 3: step 2 is ready\nstep 3: all done\n$`},
	"http":  {`^listening on http://127\.0\.0\.1:\d+\n200 OK: Hello, browser!\n$`},
	"secure": {
		`^plain: hello, ada\nplain: turned away with 400\n` +
			`curve: hello, ada\na stranger: turned away with 400\nanother server: no handshake\n$`,
	},
	"identity": {
		`^REQ "" arrives as \[00( [0-9a-f]{2}){4}\] \[\] \[hello\]\nREQ "" receives \[hello, REQ\]\n`,
		`\nREQ "Ada" arrives as \[Ada\] \[\] \[hello\]\n`,
		`\nDEALER "Bob" arrives as \[Bob\] \[hello\]\nDEALER "Bob" receives \[hello, DEALER\]\n`,
		`\nto Eve: true - nobody has that name\n$`,
	},
	"broker": {
		`^(client [123]: service [12] says REQUEST [1-6] OF CLIENT [123]\n){18}$`,
		`service 1 says`, `service 2 says`,
		`client 3: service . says REQUEST 6 OF CLIENT 3\n`,
	},
	"lbbroker": {`^quick worker: ([23]\d|40) requests\nslow worker: (1?\d) requests\n$`},
	"reactor":  {`^broker: 40 replies, and its timer has run: true\n$`},
	"mtserver": {
		`^(client [123]: worker [123] says World to client [123]\n){3}all at the same time\n$`,
		`client \d: worker 1 `, `client \d: worker 2 `, `client \d: worker 3 `,
	},
	"asyncsrv": {
		`^(client [123]: request [1-4]: step [1-4] of [1-4]\n){30}$`,
		`client 1: request 4: step 1 of 4\n(.*\n)*client 1: request 4: step 4 of 4\n`,
	},
	"tripping": {
		`^one at a time: +2000 round trips in .*, \d+ a second\nmany at once: +40000 round trips in .*, \d+ a second\n$`,
	},
	"filetransfer": {`^received 62 chunks, at most 10 of them on the way at once\nit is the same file: true\n$`},
	"peering":      {`^Berlin did \d+ requests of Berlin\nParis did \d+ requests of Berlin\nRome did \d+ requests of Berlin\n$`},
	"lazypirate": {
		`server: is busy with request 3\nclient: no reply to request 3\n`,
		`server: crashes at (request \d)\nclient: no reply to (request \d)\n`,
		`(client: received reply to request [1-7]\n(.*\n)*){7}`,
		`server: leaves\n(.*\n)*(client: no reply to request 8\n){3}client: the server seems to be gone, giving up\n$`,
	},
	"requester": {`^a server crashes\nall 200 questions have their own answers\n$`},
	"paranoidpirate": {
		`client: \w+ did request 3\n(.*\n)*Ada hangs\n`,
		`Ada hangs\n(.*\n)*queue: a worker is silent, and forgotten\n(.*\n)*client: Bob did request 5\nthe queue crashes`,
		`another takes its place\n(.*\n)*Bob: the queue is silent, trying again\n(.*\n)*queue: a worker is ready\n`,
		`client: Bob did request 6\nclient: Bob did request 7\n$`,
	},
	"majordomo": {
		`^client: 1000 echoes, one at a time, in .*\nclient: is there echo\? true\nclient: is there coffee\? false\n`,
		`\nclient: 1000 echoes, all on the way at once, in .*\nthe broker crashes`,
		`another takes its place\n(.*\n)*worker: the broker .*, beginning anew\n`,
		`another takes its place\n(.*\n)*client: 1000 echoes, one at a time, in .*\nclient: is there echo\? true\n`,
	},
	"titanic": {
		`^client: asks for 3 echoes, though nobody offers them\nclient: 300 for all 3\n`,
		`\ntitanic sinks, and another is built\n`,
		`\nclient: got Hello 1\nclient: got Hello 2\nclient: got Hello 3\n`,
		`\nclient: once more: 200 Hello 1\nclient: closed, and once more: 400\nleft on disk: 2 files\n$`,
	},
	"freelance": {
		`^(retry: a server does not reply\n){2}retry: Carol did request\n`,
		`\nshotgun: Carol did request 1\nshotgun: Carol did request 2\nshotgun: Carol did request 3\n`,
		`\n(pings: \w+ did request 100 of asker \d+\n){10}pings: Alice crashes\n(pings: Bob did request 100 of asker \d+\n){10}$`,
	},
	"binarystar": {
		`(primary: is active\nbackup: is passive\n)client: primary did request 1\n`,
		`client: primary did request 3\nthe primary crashes\nbackup: is active\nclient: backup did request 4\n`,
		`client: backup did request 6\nthe primary comes back, and then the backup crashes\nprimary: is passive\nprimary: is active\n`,
		`client: primary did request 7\nclient: primary did request 8\nclient: primary did request 9\n$`,
	},
	"proxy": {
		`^(subscriber to Bo: Bo(mbay|ston) news \d+\n|subscriber to Berlin: Berlin news \d+\n){10}` +
			`proxy: 2 subscriptions went up, \d\d+ frames of news came down\n$`,
		`(subscriber to Bo: .*\n(.*\n)*){5}`,
	},
	"espresso": {
		`^tap: somebody subscribes to B\n`,
		`(subscriber: B-\d{5}\n(.*\n)*){5}`,
		`(tap: B-\d{5}\n(.*\n)*){5}tap: nobody wants B any more\n$`,
	},
	"syncpub":   {`^publisher: all 5 are here\n(subscriber [1-5]: received all 10000 updates\n){5}$`},
	"lastvalue": {`^cache: knows 3 stocks\nlate subscriber: DEF stands at 103\n$`},
	"suicidalsnail": {
		`^snail: works on what was said \d+ms ago\nsnail: too slow, and rather dead than wrong\nhare: has kept up\n$`,
	},
	"clone": {
		`^Ada: has joined at number 0, with 0 values\n`,
		`\nBob: has joined at number 3, with 2 values\n`,
		`\nBob: /fruit/(apple is red|plum is gone)\n`, `\nBob: (/fruit/cherry is gone|the server is silent)\n`,
		`\nBob's copy: map\[/fruit/apple:red\]\n$`,
	},
	"ending": {
		`^the context of the call is over: true\nthe socket's time is over: true true\nthe socket was closed: true\n`,
		`\nthe context of the socket was terminated: true\nan error that tells more: true bind carrier://pigeon true\n`,
		`\nsent by a socket that is closed: a letter\n$`,
	},
	"highwater": {
		`^PUSH: takes 20 messages that nobody receives\nPUSH: TrySend would block: true\n`,
		`\nPUSH: Send waits as long as it may: true\nPUSH: received all 21\n`,
		`\nPUB: sent 100, received 20, dropped 80\n$`,
	},
	"events": {
		`(?s)server: listening\n.*server: accepted\n.*server: handshake succeeded\n`,
		`(?s)client: connected\n.*client: handshake succeeded\n.*client: disconnected\n.*client: connect retried\n`,
	},
}
