"""Short English lists: stop words, misspellings, contractions, words by gender, given names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

STOP_WORDS = frozenset(
    """
a about above after again against all also although am an and any are as at be because been before being below between
both but by can could did do does doing down during each few for from further had has have having he he'd he'll he's
her here here's hers herself him himself his how i i'd i'll i'm i've if in into is it it'll it's its itself just let's
may me might more most much must my myself of off on once only or other our ours ourselves out over own same shall she
she'd she'll she's should so some such than that that's the their theirs them themselves then there there's these they
they'd they'll they're they've this those through to too under until up upon us very was we we'd we'll we're we've
were what what's when where whether which while who who's whom whose why will with within without would you you'd
you'll you're you've your yours yourself yourselves
""".split()
)

# right: the ways in which it is often written.
_MISSPELLINGS = """
absence: absense abscence|accept: except|acceptable: acceptible|accidentally: accidently
accommodate: accomodate acommodate|achieve: acheive|acknowledge: aknowledge|acquaintance: aquaintance|acquire: aquire
across: accross|address: adress|advice: advise|aggressive: agressive|already: allready|amateur: amature|among: amoung
annually: anually|apparent: apparant|appearance: apperance|argument: arguement|athlete: athelete
available: availible avaliable|balance: ballance|basically: basicly|beautiful: beautifull|because: becuase becasue
before: befor|beginning: begining|believe: beleive belive|benefit: benifit|business: buisness bussiness
calendar: calender|category: catagory|certain: certian|changeable: changable|colleague: collegue|column: colum
coming: comming|committee: commitee comittee|completely: completly|conscience: concience|conscious: concious
convenient: convienient|criticism: critisism|decision: desicion|definitely: definately definitly definatly
description: discription|desperate: desparate|develop: develope|difference: diffrence|different: diffrent
difficult: dificult|disappear: dissapear disapear|disappoint: dissapoint disapoint|discipline: disipline|does: dose
doesn't: dosen't doesnt|don't: dont|eighth: eigth|embarrass: embarass|environment: enviroment|equipment: equiptment
especially: especialy|exaggerate: exagerate|excellent: excelent|except: accept|exercise: excercise
existence: existance|experience: experiance|explanation: explaination|familiar: familar|fascinate: facinate
favourite: favorit|february: febuary|finally: finaly|foreign: foriegn|forty: fourty|forward: foward|friend: freind
gauge: guage|generally: generaly|government: goverment|grammar: grammer|grateful: greatful
guarantee: garantee guarentee|guard: gaurd|happened: happend|harass: harrass|height: heighth|heroes: heros
hierarchy: heirarchy|humorous: humourous|hypocrisy: hipocrisy|i'm: im|immediately: immediatly|incidentally: incidently
independent: independant|indispensable: indispensible|intelligence: inteligence|interesting: intresting
interrupt: interupt|it's: its|its: it's|jewellery: jewelery|judgment: judgement|knowledge: knowlege|label: lable
laboratory: labratory|leisure: liesure|length: lenght|liaison: liason|library: libary|license: lisence
lightning: lightening|loneliness: lonelyness|lose: loose|maintenance: maintainance maintenence|maybe: mabye
medicine: medecine|millennium: millenium|minuscule: miniscule|mischievous: mischievious|misspell: mispell
necessary: neccessary necesary|neighbour: nieghbour|neither: niether|ninety: ninty|noticeable: noticable
nuclear: nuculear|occasion: occassion ocasion|occasionally: occasionaly|occurred: occured
occurrence: occurence occurance|of: off|official: offical|often: offen|opinion: opinon
opportunity: oppurtunity oportunity|originally: orginally|parallel: paralell|parliament: parliment
particular: perticular|pastime: passtime|people: poeple|perceive: percieve|performance: performence|perhaps: prehaps
permanent: permanant|personnel: personel|persuade: pursuade|piece: peice|pleasant: pleasent|politician: politican
possession: posession possesion|possible: posible|potato: potatoe|practical: practicle|precede: preceed
prefer: preffer|preferred: prefered|principle: principal|privilege: priviledge|probably: probly probaly
procedure: proceedure|professor: proffesor|promise: promiss|pronunciation: pronounciation|psychology: phsycology
publicly: publically|quantity: quanity|quarantine: quarentine|quiet: quite|quite: quiet|really: realy|receipt: reciept
receive: recieve|recognise: reconise|recommend: reccomend recomend|reference: refrence|referred: refered
relevant: relevent|religious: religous|remember: remeber|repetition: repitition|responsible: responsable
restaurant: restaraunt resturant|rhyme: ryhme|rhythm: rythm|ridiculous: rediculous|sacrifice: sacrafice|said: siad
schedule: shedule|scissors: sissors|secretary: secratary|seize: sieze|sentence: sentance|separate: seperate
sergeant: sargent|several: severel|should: shoud|similar: similiar|sincerely: sincerly|skilful: skillfull
something: somthing|soldier: solider|speech: speach|strategy: stratagy|strength: strenght
successful: succesful sucessful|sufficient: sufficent|superintendent: superintendant|supersede: supercede
surely: surly|surprise: suprise|temperature: temperture|than: then|that: taht|the: teh hte|their: thier there
then: than|there: their|therefore: therefor|they're: their there|though: tho|thorough: thourough|threshold: threshhold
through: throught thru|to: too|together: togather|tomorrow: tommorow tommorrow|tongue: tounge|too: to|truly: truely
twelfth: twelth|tyranny: tyrany|understand: understnad|unfortunately: unfortunatly|unnecessary: unneccessary
until: untill|unusual: unusuall|usually: usualy|vacuum: vaccum|vegetable: vegtable|vehicle: vehical|village: vilage
villain: villian|visible: visable|weather: wether|wednesday: wensday|weird: wierd|welcome: wellcome|whether: wether
which: wich|with: wiht|without: witout|women: woman|would: woud|writing: writting|written: writen|yield: yeild
you're: your|your: you're|your's: yours
"""


@cache
def misspellings() -> Mapping[str, tuple[str, ...]]:
    """Right word -> ways in which it is often written."""
    entries = _MISSPELLINGS.strip().replace("\n", "|").split("|")
    parted = (entry.split(": ") for entry in entries)
    return {right: tuple(wrong.split()) for right, wrong in parted}


# Male and female; of several with one partner the first counts on the way back.
GENDER_PAIRS = tuple(
    pair
    for line in """
he she|him her|himself herself|his hers|man woman|men women|boy girl|boys girls|father mother|fathers mothers|dad mum
dads mums|daddy mummy|papa mama|son daughter|sons daughters|brother sister|brothers sisters|husband wife
husbands wives|uncle aunt|uncles aunts|nephew niece|nephews nieces|grandfather grandmother|grandfathers grandmothers
grandpa grandma|grandson granddaughter|grandsons granddaughters|king queen|kings queens|prince princess
princes princesses|duke duchess|actor actress|actors actresses|waiter waitress|waiters waitresses|host hostess
hosts hostesses|hero heroine|heroes heroines|mr mrs|sir madam|gentleman lady|gentlemen ladies|male female
males females|widower widow|bridegroom bride|groom bride|monk nun|monks nuns|wizard witch|wizards witches
businessman businesswoman|businessmen businesswomen|policeman policewoman|policemen policewomen|spokesman spokeswoman
spokesmen spokeswomen|chairman chairwoman|chairmen chairwomen|salesman saleswoman|salesmen saleswomen
stepfather stepmother|stepson stepdaughter|stepbrother stepsister|godfather godmother|boyfriend girlfriend
boyfriends girlfriends|landlord landlady|masculine feminine|fatherhood motherhood|brotherhood sisterhood
fatherly motherly|schoolboy schoolgirl|schoolboys schoolgirls|bull cow|rooster hen|stallion mare
""".strip().splitlines()
    for pair in line.split("|")
)

# Common English given names that are no other word.
MALE_NAMES = tuple(
    """
James John Robert Michael David William Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Donald Steven
Paul Andrew Joshua Kenneth Kevin Brian George Edward Ronald Timothy Jason Jeffrey Ryan Jacob Nicholas Eric Jonathan
Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Raymond Dennis Jerry Tyler Aaron Adam
Nathan Henry Douglas Zachary Peter Kyle Walter Ethan Jeremy Harold Keith Roger Noah Gerald Terry Sean Arthur
Lawrence Jesse Dylan Bryan Joe Albert Bruce Gabriel Logan Juan Ralph Eugene Russell Louis Philip Vincent Bobby
""".split()
)
FEMALE_NAMES = tuple(
    """
Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Nancy Lisa Betty Margaret Sandra Ashley
Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Kathleen Amy Angela
Shirley Anna Brenda Pamela Emma Nicole Helen Samantha Katherine Christine Debra Rachel Carolyn Janet Catherine Maria
Heather Diane Ruth Julie Olivia Joyce Victoria Kelly Lauren Christina Joan Evelyn Judith Megan Andrea Cheryl
Hannah Jacqueline Martha Gloria Teresa Ann Sara Frances Kathryn Janice Jean Abigail Alice Julia Judy Sophia Jane
""".split()
)
