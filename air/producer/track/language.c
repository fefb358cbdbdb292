#include <glib.h>
#include <string.h>

#include "air/producer/track/track.h"

/* ISO 639-1 and the 639-2/T code it stands for: five letters each. */
static const char two_letters[] =
        "aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam "
        "bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe "
        "elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj "
        "gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl "
        "itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor "
        "kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa "
        "mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs "
        "papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk "
        "slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl "
        "tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid "
        "yoyor zazha zhzho zuzul ";

/* The bibliographic codes of 639-2 and the terminological ones: six letters each. */
static const char bibliographic[] = "albsqi armhye baqeus burmya chizho czeces dutnld frefra geokat gerdeu greell "
                                    "iceisl macmkd maomri maymsa perfas rumron sloslk tibbod welcym ";

/* Codes that name no language. */
static const char nothing[] = "und mis mul zxx ";

/* In a row of entries, each with a space behind it: what stands behind the key of length n; NULL: no entry. */
static const char *look_up(const char *row, size_t entry, const char *key, size_t n) {
        for (; *row; row += entry + 1)
                if (memcmp(row, key, n) == 0)
                        return row + n;
        return NULL;
}

/* qaa..qtz mean what their users agree on. */
static bool is_private(const char *code) {
        return code[0] == 'q' && code[1] <= 't';
}

bool track_language(const char *tag, char into[TRACK_LANGUAGE_SIZE]) {
        char code[TRACK_LANGUAGE_SIZE] = {0};
        size_t n = 0;
        into[0] = '\0';
        for (; tag && g_ascii_isalpha(tag[n]); n++) {
                if (n == 3)
                        return false;
                code[n] = g_ascii_tolower(tag[n]);
        }
        if (n < 2 || (tag[n] != '\0' && tag[n] != '-' && tag[n] != '_'))
                return false;
        const char *found = code;
        if (n == 2)
                found = look_up(two_letters, 5, code, 2);
        else if (look_up(nothing, 3, code, 3) || is_private(code))
                found = NULL;
        else if (look_up(bibliographic, 6, code, 3))
                found = look_up(bibliographic, 6, code, 3);
        if (!found)
                return false;
        memcpy(into, found, 3);
        into[3] = '\0';
        return true;
}
