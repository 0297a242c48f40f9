"""Which files of which Debian packages are photographs, and which are look-alikes.

Chosen by eye, before anything was measured, and not since: drawings, plots, masks and
collages are left out, and of two files that show the same scene one.  None of these
photographs was used to choose a threshold.
"""

from typing import NamedTuple


class Source(NamedTuple):
    package: str
    licence: str
    folder: str
    #: Patterns below the folder.
    take: tuple
    #: File name: why it is left out.
    leave: dict = {}


DOC = "usr/share/doc"
CV = f"{DOC}/opencv-doc/examples"
LABELME = f"{DOC}/labelme-examples/examples"
SAME = "shows the same scene as another"
NO_PHOTO = "no photograph"

PHOTOS = [
    Source("mate-backgrounds", "GPL-2+", "usr/share/backgrounds/mate/nature", ("*.jpg",)),
    Source(
        "lomiri-wallpapers-16.04",
        "CC-BY-4.0, CC-BY-SA-4.0, CC0 (by file)",
        "usr/share/backgrounds",
        ("*.jpg",),
        {"analogpattern_by_Peter_Nerlich.jpg": NO_PHOTO, "umang_by_Abhishek_Mudgal.jpg": NO_PHOTO},
    ),
    Source(
        "lomiri-wallpapers-20.04",
        "CC-BY-SA-4.0",
        "usr/share/backgrounds",
        ("Kleiber*.jpg",),
    ),
    Source(
        "plasma-workspace-wallpapers",
        "LGPL-3, CC-BY-SA-4.0",
        "usr/share/wallpapers",
        tuple(
            f"{name}/contents/images/2560x1600.jpg"
            for name in (
                "Autumn BytheWater ColdRipple DarkestHour EveningGlow FallenLeaf Grey Kite "
                "OneStandsOut Path summer_1am"
            ).split()
        )
        + ("Shell/contents/images/5120x2880.jpg",),
    ),
    Source("tuxpaint-data", "GPL-2+", "usr/share/tuxpaint/templates", ("*.jpg",)),
    Source("gnome-control-center-data", "GPL-2+; of the faces not stated", "usr/share/pixmaps/faces", ("*.jpg",)),
    Source("kphotoalbum", "GPL-2+", "usr/share/kphotoalbum/demo", ("*.jpg",)),
    Source(
        "python3-skimage",
        "BSD-3, CC0, public domain (by file)",
        "usr/lib/python3/dist-packages/skimage/data",
        tuple(
            "astronaut.png brick.png camera.png cell.png chelsea.png coffee.png coins.png grass.png "
            "gravel.png hubble_deep_field.jpg ihc.png moon.png motorcycle_left.png retina.jpg "
            "rocket.jpg".split()
        ),
    ),
    Source("python3-sklearn", "CC-BY", "usr/lib/python3/dist-packages/sklearn/datasets/images", ("*.jpg",)),
    Source(
        "hugin-data",
        "GPL-2+",
        "usr/share/hugin/xrc/data/help_en_EN",
        (
            "250px-LagardePont*",
            "300px-Lamp_enfuse*",
            "800px-C_Marchi*",
            "AliasingPScubic_2x.jpg",
            "Big_ben_rectilinear.jpg",
            "CA_fringes00.jpg",
            "CA_strange02.jpg",
            "CA_tCA00.jpg",
            "CA_tCA03.jpg",
            "Medinet_habu_horizontal_stereographic.jpg",
            "Parallax.jpg",
            "SB_Blended.jpg",
            "Vertical-fisheye.jpg",
        ),
    ),
    Source(
        "opencv-doc",
        "Apache-2.0; of some not stated",
        CV,
        ("alphamat/input_images/*", "data/*.jpg", "data/*.png", "hfs/data/*", "reg/home.png")
        + ("text/scenetext0*.jpg", "text/scenetext_segmented_word0?.jpg"),
        {
            **{
                f"data/{name}": NO_PHOTO
                for name in (
                    "Blender_Suzanne1.jpg Blender_Suzanne2.jpg LinuxLogo.jpg WindowsLogo.jpg HappyFish.jpg aloeGT.png "
                    "blox.jpg cards.png chessboard.png detect_blob.png digits.png ellipses.jpg gradient.png "
                    "imageTextN.png imageTextR.png mask.png ml.png notes.png opencv-logo.png "
                    "opencv-logo-white.png pca_test1.jpg pic1.png pic2.png pic3.png pic4.png pic5.png "
                    "pic6.png smarties.png starry_night.jpg templ.png tmpl.png"
                ).split()
            },
            "data/aero3.jpg": SAME,
            "data/aloeR.jpg": SAME,
            "data/basketball2.png": SAME,
            "data/ela_modified.jpg": SAME,
            "data/graf3.png": SAME,
            "data/leuvenB.jpg": SAME,
            "data/right.jpg": SAME,
            "data/rubberwhale2.png": SAME,
            "data/messi5.jpg": "not free",
            **{
                f"data/{side}{number:02}.jpg": "a series: among the look-alikes"
                for side in ("left", "right")
                for number in range(1, 15)
            },
        },
    ),
    Source(
        "labelme-examples",
        "GPL-3+; of the photographs not stated",
        LABELME,
        ("semantic_segmentation/data_annotated/*.jpg", "classification/data_annotated/*.jpg")
        + ("tutorial/apc2016_obj3.jpg", "video_annotation/data_annotated/00000100.jpg"),
    ),
]

#: Sets of pictures that are alike by design: what a hash takes for the same there is counted apart.
LOOK_ALIKES = {
    "screenshots of one program": [
        Source("kphotoalbum", "GFDL", f"{DOC}/HTML/{language}/kphotoalbum", ("*.png",))
        for language in ("en", "uk", "ca")
    ],
    "a chessboard held up, 26 times": [
        Source("opencv-doc", "Apache-2.0", CV, ("data/left[01][0-9].jpg", "data/right[01][0-9].jpg"))
    ],
    "consecutive frames of a film": [
        Source("labelme-examples", "GPL-3+", LABELME, ("video_annotation/data_annotated/*.jpg",))
    ],
    "outlines to colour in": [
        Source("tuxpaint-data", "GPL-2+", "usr/share/tuxpaint/starters", ("*.png",))
    ],
    "pages of one manual's diagrams": [
        Source("opencv-doc", "Apache-2.0", f"{DOC}/opencv-doc/opencv4/html", ("*.png",))
    ],
}
