"""What customers and agents say, as templates of simulator.grammar; every list means one thing said in many ways."""

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
            "I am [running a line test|testing the line] and [resetting|refreshing] your [connection|signal] from here.",
            "I can see [packet loss|a weak signal] on your line, so I am [resetting the port|switching the channel].",
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
            "I am [reviewing|going through] the charges on your [invoice|statement] and [crediting|correcting] the fee.",
            "I can see the [extra charge|fee], so I am [checking it|asking for a refund] of {amount} dollars.",
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
            "I am [comparing|looking at] the [bundles|packages] and adding the [larger|unlimited] one to your line.",
            "The [premium|unlimited] package is {amount} dollars a month, so I am [adding it|putting it on your line].",
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
            "I am [checking|looking up] the warranty and [updating the firmware|running a hardware check] on the {device}.",
            "That looks like a [hardware fault|broken battery], so I am [ordering a spare part|opening a warranty claim].",
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
            "I am [sending|creating] a new [reset link|code] and [unlocking|clearing] your login.",
            "I can see the [locked profile|failed logins], so I am [resetting the password|issuing a new pin].",
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
            "I am [tracking|searching] the [parcel|shipment] and [calling the courier|asking the warehouse].",
            "The [parcel|shipment] is [stuck at the depot|marked as returned], so I am [sending it again|shipping a new one].",
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
            "I am [filing|preparing] the [termination|closing form] and [waiving|checking] the exit fee.",
            "The contract [ends|runs out] on {day}, so I am [sending the closing form|entering the termination].",
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
            "I am [looking at|opening] the [calendar|schedule] of the [technician|installer] and [moving|booking] the slot.",
            "The next free [slot|window] is {day} at {hour}, so I am [booking|reserving] it.",
        ],
    },
}

# Tone: how it shows when the customer opens, and when they close after good or bad news.
TONES: dict[str, dict[str, list[str]]] = {
    "calm": {
        "open": [
            "Hi, [I hope you can help me|quick question for you|no rush at all],",
            "Hello, [how are you|nice to reach you|good to hear you],",
            "Good [day|morning], [just a small thing|when you have a moment],",
        ],
        "react": [
            "[No problem|Sure|Of course|Take your time], [go ahead|I can wait|that is fine].",
            "[Okay, sounds good|Alright, that works for me].",
        ],
    },
    "annoyed": {
        "open": [
            "Hi, [this is getting annoying|I am a bit frustrated|I am not happy about this],",
            "Look, [this is a nuisance|this is inconvenient|I am rather disappointed],",
            "Well, [I did not expect this from you|I am losing patience],",
        ],
        "react": [
            "[Hmm|Well], [it takes quite long|I expected better|this is tedious].",
            "[If you say so|I guess], but [it is frustrating|I am not impressed].",
        ],
    },
    "furious": {
        "open": [
            "[This is outrageous|This is unacceptable|I am furious],",
            "[I am sick of this|What a joke|I have had enough of you people],",
            "[Unbelievable|Ridiculous|This is a disgrace], [really|honestly],",
        ],
        "react": [
            "[This is absurd|Are you kidding me|That is pathetic], [hurry up|do your job]!",
            "[Worst company ever|You are useless|What a mess]!",
        ],
    },
}

THANKS = {
    "calm": [
        "[Perfect|Wonderful|Great], [thank you so much|thanks a lot].",
        "[Lovely|Brilliant], [have a nice day|you made my day].",
    ],
    "annoyed": ["[Fine|Okay then], [thanks|bye].", "[At last|About time], [thanks|goodbye]."],
    "furious": ["[Whatever|Finally]!", "[That was a nightmare|Never again], [bye|goodbye]!"],
}

LEAVE_THREAT = [
    "[If this goes on|Otherwise] I [will switch|am switching] to [another provider|the competition|your rival].",
    "[A competitor|Another provider] [offers me|has] a better deal and I [might|will] take it.",
    "I am [seriously thinking|close] to [leaving you|taking my business elsewhere].",
]
REPEAT_CUE = [
    "I [already called|called you|phoned] [about this|about it] [last week|on {day}|before] and it [came back|was never fixed].",
    "This is the [second|third|fourth] time I [call|contact you] [about it|for the same thing].",
    "[Your colleague|Somebody] [promised|told me] [on {day}|last week] that it was [done|sorted out].",
]

GREETING = [
    "[Thank you for calling|Welcome to|You have reached] {company}, [this is {agent}|my name is {agent}|{agent} speaking].",
    "[Hello|Good day|Hi], [this is {agent}|{agent} here] [from|at] {company}.",
]
ASK = ["[How can I help|What can I do for you|How may I assist you]?", "[What brings you here|What is it about]?"]
WAIT_APOLOGY = [
    "[Sorry|I apologize|Apologies] [for the long wait|for keeping you on hold|that you had to hold so long]."
]
EMPATHY = [
    "I [understand|can imagine] how [upsetting|stressful|unpleasant] [that|this] is.",
    "[I am sorry to hear that|That must be hard for you|I would feel the same].",
]
VERIFY = [
    "[May|Can|Could] I [have|take] your [account number|customer number|security code] [please|first|to verify you]?",
    "[Please|First] [confirm|tell me] your [account number|customer number|security code].",
]
IDENTITY = ["[Sure|Yes], it is {account}.", "[It is|That is] {account}.", "{account}."]
NO_VERIFY = ["[Okay|Right|Alright], [one moment|let me see|hold on].", "[Let me look|I am looking] [into it|at it]."]
TRANSFER = [
    "I [am transferring|will transfer|am passing] you to [our|the] {team} [team|department].",
    "[The|Our] {team} [team|department] handles this, so I am [connecting|handing] you [over|through].",
]
AFTER_TRANSFER = ["[Hello|Hi], {agent} from the {team} [team|department] [here|speaking]."]
ESCALATE = [
    "[Let me|I want to|I demand to] [talk to|speak to|speak with] [a supervisor|your manager|your boss].",
    "[Get me|Give me] [a supervisor|your manager|your boss] [now|right away].",
]
AFTER_ESCALATE = [
    "[I am the supervisor|This is the shift manager|I am the team lead], [I took over the call|I am on the line now]."
]
OUTCOMES = {
    "solved": [
        "[It is|Everything is] [fixed|sorted|settled] [now|as of now].",
        "[Done, that worked|All done|That took care of it].",
    ],
    "open": [
        "[We will call you back|I will get back to you|You will hear from us] [by {day}|within {number} days|tomorrow].",
        "I [opened|logged] a [ticket|case] and [we call you back|a colleague will call you] [on {day}|within {number} days].",
    ],
    "failed": [
        "[Unfortunately|I am afraid] [there is nothing|there is nothing more] [I can do|we can do].",
        "[Unfortunately|Regrettably] [we can not|I can not] [do that|fix that|help with that].",
    ],
}
RECAP = [
    "[To sum up|To recap|In short], [you get an email|I send you a note|you receive a message] with [all of this|the details].",
    "[Let me repeat|Let me summarize] [what we agreed|what happens next]: [you get a note|an email follows].",
]
FURTHER_HELP = [
    "[Is there anything else|Anything else] [I can do for you|you need|today]?",
    "[Do you have|Are there] any other questions?",
]
