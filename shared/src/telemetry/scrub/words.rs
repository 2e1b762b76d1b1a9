//! Words that are no names of people, however they are written: of programs, of the web, of Atlassian's products, of the calendar.

use std::collections::HashSet;
use std::sync::LazyLock;

/// In small letters.
const TECHNICAL: &str = "
    abort aborted about absolute accept accepted access account action active add adding address admin after agent alert all already also an
    an and android angular any anonymous api app apple application apps area argument arguments array async at atlaskit atlassian attach
    attachment attempt attempted attribute audio audit auth authentication authorization auto await axios
    back backbone background backlog bad batch bearer before begin big binary bitbucket bitbucket blob block blocked board body boolean bridge
    browser bucket buffer bug build bulk bundle button by
    cache call callback can canceled cancelled cannot canvas card case cell central change changed channel character check child chrome
    chromium chunk class clear click client clone close closed cloud code collection column columns command comment commit common comp
    component components condition config configuration confluence conflict connect connection console constraint constructor container
    content context control cookie copy core could count create created creating cross css current custom cycle
    dashboard data database date daylight debug declare default defect define delete deleted denied deprecated description design detail
    details device dialog did directive directory disabled dispatch do document documents does domain done down download drag driver drop dynamic
    each ecma edge edit editor effect element email embed empty enabled encoding end endpoint entity entry enum environment epic error errors
    european evaluating event events every exceeded exception execute executing execution exists exit expected expired export expression
    extension external
    factory fail failed failing failure fallback false fatal feature fetch fetching field fields file files filter firefox flag flow font for
    forbidden forge form format found frame framework from front full function functions
    gadget gateway general generator get global gmt google graph graphql grid group
    handle handler has have head header headers height helper helpers hidden hide history hook hooks host html http https hydration
    icon id if iframe illegal image images import in index indexed info initial initialise initialize inline inner input insert install
    instance insufficient integer intermediate internal internet interval invalid invariant ios is issue issues it item items iterator
    java javascript jira job join jquery js json jwt
    key keyboard keys kind
    label last lazy leave length level library limit limits line link linux list listener load loaded loader loading local location lock log
    login long loop lost
    mac macos macro main malformed manager map mapping match matching maximum may media memory menu message metadata method microsoft
    middleware minified minimum missing mixed mobile modal mode model module modules mouse move moved multi multiple must mutation
    name named native navigation navigator nested network never new next ng no node non none not nothing null number numeric
    object objects observable observer of off offline ok old on online only open opera operation option options or order origin other out
    outer output over override owner
    package page pages panel paragraph param parameter parameters parent parse parser parsing part password path payload pending performance
    permission permissions phase pipe plan plugin point policy pool popup port portal position possible post prefix preview previous
    priority private process product production profile program project projects promise prop properties property props protocol prototype
    provider proxy public push put
    query queue quota
    raised range rate react read reading ready reason received record reducer redux ref reference refused region regex regexp register
    registry reject rejected rejection relative release reload remote remove removed render rendered rendering renderer report request
    requested requests require required reset resize resolve resource response restore result retry return returned rich role root
    route router row rows rule run runtime
    safari same samsung save scan schema scope screen script search section security select selected selector send sending sentry sequence
    serialize server service session set setting settings setup shadow shared should show since site size slot software some source space
    stack standard start state statement static status step stop storage store story stream strict string style submit subscription subtask
    success such suite summary summer support suspense switch sync syntax system
    tab table tag target task team template temporary test tests text that the their then there this thread throttled throw thrown time
    timed timeout timer title to toast today token too top touch transaction transform translate trap tree trigger true try type types
    typescript
    ui unable unauthorized unavailable uncaught undefined unexpected unhandled unique unit universal unknown unload unprocessable unsupported
    untitled update updated updating upload uri url use used user users using utc util utility
    validate validation validator value values variable vendor version video view viewport violation virtual visit vite vue
    wait waiting warn warning was watch web webpack websocket when where which while widget width will window windows with without worker
    workflow world write wrong
    csv csp cors dns dom dsn eof gif gpu gzip ip jpeg pdf png rest sdk smtp sql ssl svg tcp tls ttl uuid webgl webrtc zip
    xhr xml xray xss yarn yes you your zephyr zero zone zustand
    monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
    january february march april june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
    america american asia atlantic australian british china coordinated eastern europe greenwich india indian japan mountain pacific western
";

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| TECHNICAL.split_ascii_whitespace().collect());

/// How names begin that have a second capital: `McDonald`, `DeVito`, `O'Brien`.
const OF_NAMES: [&str; 12] = ["Mc", "Mac", "De", "Di", "Du", "La", "Le", "Van", "Von", "Fitz", "Ben", "El"];

/// Whether all words are of programs.
pub(super) fn are_technical(words: &str) -> bool {
    words.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).all(is_technical)
}

/// Whether it is the name of an error, as languages and frameworks have them.
pub(super) fn is_error(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric()) && (word.ends_with("Error") || word.ends_with("Exception"))
}

fn is_technical(word: &str) -> bool {
    WORDS.contains(word.to_ascii_lowercase().as_str()) || is_error(word) || is_composed(word)
}

/// `HttpClient`, `GraphQL`: a small letter before a capital, but for names that are written so.
fn is_composed(word: &str) -> bool {
    let humps =
        word.bytes().zip(word.bytes().skip(1)).filter(|(left, right)| left.is_ascii_lowercase() && right.is_ascii_uppercase()).count();
    let named =
        OF_NAMES.iter().any(|begin| word.strip_prefix(begin).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_uppercase())));
    word.is_ascii() && humps > 0 && (humps > 1 || !named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_programs_name_nobody() {
        for words in
            ["Internal Server Error", "Type", "HttpClient", "GraphQL Error", "ChunkLoadError", "HTTP GET", "Not-Found", "", "Macro"]
        {
            assert!(are_technical(words), "{words}");
        }
    }

    #[test]
    fn one_other_word_is_enough_for_a_name() {
        for words in ["Max Error", "Erika", "McDonald", "DeVito", "O'Brien", "Łukasz", "ErrorMax Muster"] {
            assert!(!are_technical(words), "{words}");
        }
    }
}
