"""What customers and agents say, as templates of simulator.contacts.grammar; every list means one thing said in many ways."""

COMPANY = "Harbor Telecom"

AGENT_NAMES = [
    "Ana",
    "Ben",
    "Carla",
    "Dan",
    "Emma",
    "Frank",
    "Grace",
    "Hugo",
    "Ines",
    "James",
    "Kira",
    "Leo",
    "Maya",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sam",
    "Tina",
    "Will",
]
STREETS = ["Oak", "Maple", "Cedar", "Lake", "Hill", "River", "Park", "Mill", "Spring", "Church"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
DEVICES = ["phone", "tablet", "router", "handset", "modem", "television"]

# Topic: how the customer names it, what they add when asked, what the agent does about it.
TOPICS: dict[str, dict[str, list[str]]] = {
    "internet": {
        "team": ["network"],
        "problem": [
            "my [internet|wifi|broadband] [keeps dropping|is down again|is painfully slow|went out] [since {day}|this morning|tonight|all day]",
            "I have [no internet|no wifi|no signal on the broadband] [at home|in the house|at the office] [since {day}|today]",
            "the [wifi|internet|connection] [cuts out every {number} minutes|does not load any page|is so slow I can not work]",
        ],
        "detail": [
            "The light on the router [is red|keeps blinking|is off].",
            "I [restarted|unplugged] the router [twice|{number} times] already.",
            "The speed test shows [only {number}|barely {number}] megabits.",
        ],
        "action": [
            "I am [testing the line|resetting your connection].",
            "I see [packet loss|a weak signal] on your line.",
        ],
    },
    "billing": {
        "team": ["finance"],
        "problem": [
            "my [bill|invoice|statement] is {amount} dollars [too high|more than usual|higher than agreed]",
            "I was [charged|billed] [twice|{amount} dollars extra|a late fee of {amount} dollars] [this month|on {day}|on my last invoice]",
            "there is a [charge|fee] of {amount} dollars on my [bill|statement] that I [do not recognize|never agreed to]",
        ],
        "detail": [
            "The [invoice|statement] is dated {day}.",
            "I usually pay {amount} dollars a month.",
            "My bank shows the [charge|debit] [twice|on {day}].",
        ],
        "action": [
            "I am [reviewing the charges|crediting the fee].",
            "I see the [extra charge|fee] of {amount} dollars.",
        ],
    },
    "upgrade": {
        "team": ["sales"],
        "problem": [
            "I [want|would like] [a bigger data plan|more data|the faster package|the premium package] [on my line|for my family|at home]",
            "I am [interested in|calling about] [the unlimited plan|the family bundle|your faster package|more gigabytes]",
            "can I [move|switch|go] from my [basic|old|current] plan to [the unlimited one|a larger one|the premium one]",
        ],
        "detail": [
            "I use about {number} gigabytes a month.",
            "There are {number} of us on the [plan|bundle].",
            "I saw the [offer|bundle] for {amount} dollars [online|on {day}].",
        ],
        "action": [
            "I am [comparing the bundles|adding the unlimited package].",
            "The [premium|unlimited] package costs {amount} dollars.",
        ],
    },
    "device": {
        "team": ["hardware"],
        "problem": [
            "my [{device}|new {device}] [will not turn on|keeps freezing|does not charge|overheats] [since {day}|since the update|today]",
            "the [screen|battery|camera|speaker] of my {device} [is broken|stopped working|does not respond|is dead]",
            "the {device} you sold me [shows an error code|makes a strange noise|restarts by itself] [every day|since {day}]",
        ],
        "detail": [
            "The {device} is {number} months old.",
            "I [pressed|held] the [power|reset] button for {number} seconds.",
            "The [screen|display] says error {number}.",
        ],
        "action": [
            "I am [checking the warranty|updating the firmware].",
            "That looks like a [hardware fault|broken battery].",
        ],
    },
    "access": {
        "team": ["security"],
        "problem": [
            "I [can not log in|can not sign in|am locked out] [of|to] my [profile|online account|app] [since {day}|today|anymore]",
            "I [forgot|lost] my [password|pin|user name] and the [reset link|code] [never arrives|has expired|does not work]",
            "the app says my [password|pin] is [wrong|invalid] and now the login is [blocked|locked]",
        ],
        "detail": [
            "I tried the password {number} times.",
            "My [email|login] has changed [since {day}|last month].",
            "The code was sent to [an old email|the wrong number].",
        ],
        "action": [
            "I am [sending a reset link|unlocking your login].",
            "I see the [locked profile|failed logins].",
        ],
    },
    "delivery": {
        "team": ["shipping"],
        "problem": [
            "the [parcel|package|shipment] [I ordered|with my {device}] [has not arrived|is {number} days late|was lost|went to the wrong address]",
            "I [ordered|bought] a {device} on {day} and [it never came|the tracking has not moved|the courier did not show up]",
            "the courier [left my parcel at the wrong house|says he delivered my parcel|lost my shipment] [on {day}|yesterday]",
        ],
        "detail": [
            "The tracking number ends in {number}.",
            "It was [shipped|promised] for {day}.",
            "I was home at {number} {street} Street all day.",
        ],
        "action": [
            "I am [tracking the parcel|calling the courier].",
            "The [parcel|shipment] is [stuck at the depot|marked as returned].",
        ],
    },
    "leaving": {
        "team": ["contracts"],
        "problem": [
            "I [want to|would like to|need to] [cancel|end|close] my [contract|service|subscription] [at the end of the month|by {day}|today]",
            "please [cancel|terminate|end] my [contract|subscription|service] [because I am moving|because I do not use it|as of {day}]",
            "how do I [get out of|end|terminate] my [contract|subscription] [before {day}|this month|without a penalty]",
        ],
        "detail": [
            "The contract [ends|renews] on {day}.",
            "I [move|moved] out [on {day}|in {number} days].",
            "There are {number} months left on the contract.",
        ],
        "action": [
            "I am [filing the termination|waiving the exit fee].",
            "The contract [ends|runs out] on {day}.",
        ],
    },
    "visit": {
        "team": ["field"],
        "problem": [
            "I [need|want] to [move|change|book] the [visit of your technician|installer's visit] [on {day}|to {day}|this week]",
            "the [technician|installer|engineer] [did not show up|came {number} hours late|never called] [on {day}|yesterday|today]",
            "when [is|will] the [technician|installer|engineer] [coming|be here|at my place] [on {day}|this week|for the installation]",
        ],
        "detail": [
            "The [slot|window] was [nine|ten] to [noon|one|two].",
            "I am home [on {day}|after {hour} o'clock].",
            "The address is {number} {street} Street.",
        ],
        "action": [
            "I am [opening the calendar|booking the slot].",
            "The next free [slot|window] is {day} at {hour}.",
        ],
    },
}

# Tone: how it shows when the customer opens, while the agent works, and when they part.
TONES: dict[str, dict[str, list[str]]] = {
    "calm": {
        "open": [
            "[Hi|Hello], [quick question|no rush|nice to reach you],",
            "Good [day|morning], when you have a moment,",
        ],
        "react": [
            "[No problem|Sure|Of course], [take your time|I can wait].",
            "[Okay|Alright], [sounds good|that is fine].",
        ],
        "thanks": ["[Perfect|Wonderful|Great], [thank you so much|have a nice day]."],
    },
    "annoyed": {
        "open": [
            "[Look|Well], [this is annoying|I am not happy|this is a nuisance],",
            "Hi, I am [a bit frustrated|disappointed],",
        ],
        "react": [
            "[Hmm|Well], [I expected better|this is tedious].",
            "[I guess|If you say so], but it is frustrating.",
        ],
        "thanks": ["[At last|About time], [thanks|bye]."],
    },
    "furious": {
        "open": ["This is [outrageous|unacceptable|a disgrace],", "[I am sick of this|I am furious|What a joke],"],
        "react": ["[This is absurd|Are you kidding me|That is pathetic]!", "[You are useless|What a mess|Hurry up]!"],
        "thanks": ["[Whatever|Finally|Never again]!"],
    },
}

LEAVE_THREAT = [
    "I [will|might] switch to [a rival|another provider|a competitor].",
    "[Another provider|A competitor] offers me [a better deal|more].",
    "I am [thinking of|close to] leaving you.",
]
REPEAT_CUE = [
    "I already [called|phoned] about [this|it] [last week|on {day}].",
    "This is my [second|third|fourth] call about [this|it].",
    "Your colleague promised [to fix it|it was done] last week.",
]

GREETING = ["{company}, [this is {agent}|{agent} speaking|{agent} here]."]
ASK = ["[How can I help|What can I do for you]?"]
WAIT_APOLOGY = ["[Sorry|Apologies] for the [long wait|wait|time on hold]."]
EMPATHY = [
    "I [understand|can imagine] how [upsetting|stressful] [that|this] is.",
    "[I am sorry to hear that|That must be hard].",
]
VERIFY = ["[May|Can] I have your [account|customer] number?", "Please confirm your [security code|account number]."]
IDENTITY = ["It is {account}.", "{account}."]
TRANSFER = ["I am [transferring|passing|connecting] you to our {team} team."]
AFTER_TRANSFER = ["{agent} from {team} [here|speaking]."]
ESCALATE = ["[Get me|I want] [a supervisor|your manager|your boss]!"]
AFTER_ESCALATE = ["I am the [supervisor|manager] on duty."]
OUTCOMES = {
    "solved": ["[It is|Everything is] [fixed|sorted] now.", "[All done|That worked]."],
    "open": [
        "[We will call you back|You will hear from us] [by {day}|tomorrow].",
        "I [opened|logged] a ticket, we call you back.",
    ],
    "failed": [
        "[Unfortunately|I am afraid] [we can not|I can not] [do that|fix it].",
        "Regrettably, there is nothing we can do.",
    ],
}
RECAP = ["[To recap|In short], [an email|a note] with [the details|all of this] follows."]
FURTHER_HELP = ["[Anything else today|Any other questions|Is there anything else]?"]
