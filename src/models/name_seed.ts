/**
 * Words that host names are made of, for models of names that have not learned any yet: written for
 * this project from everyday and computing vocabulary, taken from no list of names in use.
 */
const WORDS =
  'about access account action active address agent air alert all alpha analytics and android angel ' +
  'animal answer apartment api app apple archive area arena army around art asia assets atlas audio ' +
  'auth auto avenue baby back bag bank bar base basket beach bear beauty bed beer best beta better ' +
  'bike bill bird black blog blue board boat body bone book boost border boss bottle box boy brand ' +
  'bread bridge bright british broad broker brother brown browser budget build burger bus business ' +
  'butter buy cable cache cafe cake call camera camp campus candy canvas capital car card care cargo ' +
  'cart case cash castle cat catalog center central chain chair change channel chat cheap check cheese ' +
  'chef cherry chess chicken child china choice church cinema circle city class clean clear click ' +
  'client clinic clock cloud club coach coast code coffee coin cold collect college color comic ' +
  'command common company compass compute concert config connect contact content control cook cool ' +
  'copper corner corp cotton council count country coupon course court craft create credit cross ' +
  'crown cruise crystal cube culture custom cycle daily dance dark data date dawn day deal dealer ' +
  'deep delivery delta demo dental desert design desk detail dev device diamond diet digital dinner ' +
  'direct doctor dog domain door double download dragon dream dress drink drive drop dual dust eagle ' +
  'early earth east easy echo eco edge editor educate electric element email emerald empire energy ' +
  'engine english epic equal escape estate euro event evening exact example exchange expert explore ' +
  'express eye fabric face fact factory fair family fan farm fashion fast father feature feed field ' +
  'file film final finance find fire first fish fit flash fleet flight floor flow flower fly focus ' +
  'food foot force forest form forum forward frame free fresh friend front fruit full fun fund future ' +
  'gain galaxy gallery game garage garden gate gateway general german giant gift girl glass global ' +
  'gold golf good grace grand graph grass gray great green grid ground group grow guard guest guide ' +
  'guitar habit hair hall hand happy harbor hard harmony hat health heart heat heavy hello help herb ' +
  'hero high hill history hobby holiday home honey hope horizon horse hospital host hot hotel hour ' +
  'house hub human hunter ice icon idea image impact inbox index india info ink inn insight instant ' +
  'insure intel invest iron island item jacket jet jewel job join journal journey joy juice jump ' +
  'jungle junior just karma keep key kid king kitchen kite knight lab lady lake land language laser ' +
  'last launch law leader leaf league learn leather legal legend lemon letter level library life lift ' +
  'light lime line link lion list little live local lock log login logic long look lottery love lucky ' +
  'lunch machine magic mail main make mall manager map marine market marketing master match max meal ' +
  'media medical meet member memory menu message metal method metro micro middle milk mind mini mint ' +
  'mirror mission mobile model modern moment money monitor moon morning mother motion motor mountain ' +
  'mouse move movie music name nation native nature navy network never new news next night noble node ' +
  'north note notify nova now number nurse ocean office oil olive one online open optic option orange ' +
  'orbit orchid order organic origin outdoor outlet oxygen pacific page paint palace palm panda panel ' +
  'paper parade parent park partner party passport path pay peace pearl people pepper perfect pet ' +
  'phone photo piano pick picture pilot pink pixel pizza place plan planet plant plastic platform play ' +
  'player plaza plus point police pool pop port portal post power premium press price pride prime ' +
  'print private pro product profile program project property protect proxy public pulse pure push ' +
  'quality quantum queen quest quick quiet rabbit race radio rain random rapid reader real recipe ' +
  'record red region register relay remote rent report rescue research resource rest result review ' +
  'rich ride right ring river road robot rocket roof room root rose round route royal run safe sail ' +
  'salad sale salon salt sample sand satellite save scan school science score screen sea search season ' +
  'seat second secret secure security seed select sell send senior sense server service session seven ' +
  'shadow share sharp ship shirt shoe shop short show sign signal silver simple single sister site ' +
  'skill skin sky sleep smart smile smoke snow soccer social soft solar solid solution song sonic soul ' +
  'sound source south space spark speed spider spirit sport spot spring square stable stadium staff ' +
  'stage star start state static station status steam steel step stock stone storage store storm story ' +
  'stream street strong studio study style sugar summer sun super supply support sure surf sweet swift ' +
  'sync system table talent talk tango tank target taste tax taxi tea teach team tech telecom tele ' +
  'tennis test text theater theme thing think ticket tiger time tiny tip title today token tool top ' +
  'total touch tour tower town toy track trade traffic train travel tree trend tribe trip truck true ' +
  'trust try turbo turtle twin ultra under union unique unit universe update upload upper urban user ' +
  'vacation valley value van vapor vault vector vegan velvet venture vertex video view village vintage ' +
  'virtual vision vista vital voice volume vote voyage wagon walk wall wallet war warm watch water wave ' +
  'way wealth weather web wedding week west wheel white wide wife wifi wild wind window wine wing ' +
  'winner winter wire wise wolf woman wonder wood word work world worth write yacht yard year yellow ' +
  'yoga young youth zebra zero zone zoom';

/** The words, in the order of the alphabet for the most part. */
export const SEED_WORDS: readonly string[] = WORDS.split(' ');

/** Prefixes and endings that hosts are numbered and abbreviated with. */
const SHORT = [
  'www',
  'cdn',
  'img',
  'dns',
  'ns',
  'mx',
  'smtp',
  'ftp',
  'vpn',
  'srv',
  'db',
  'us',
  'eu',
];

/**
 * Names as people make them from words: a word, two of them together or with a hyphen, one with a
 * number or with an abbreviation. Always the same ones.
 */
export function* seedNames(): Generator<string> {
  const n = SEED_WORDS.length;
  for (let i = 0; i < n; i++) {
    const word = SEED_WORDS[i]!;
    const other = SEED_WORDS[(i * 389 + 101) % n]!;
    const third = SEED_WORDS[(i * 211 + 17) % n]!;
    const short = SHORT[i % SHORT.length]!;
    yield word;
    yield word + other;
    yield third + word;
    if (i % 3 === 0) yield `${word}-${other}`;
    if (i % 4 === 0) yield `${word}${i % 10}`;
    if (i % 5 === 0) yield `${short}${(i * 7) % 40}`;
    if (i % 5 === 1) yield `${short}-${word}`;
    if (i % 5 === 2) yield `${word}s`;
  }
}
